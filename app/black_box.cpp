#include "app/black_box.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

namespace sluice::app {

namespace {

constexpr std::size_t most_lines = 20;
constexpr std::size_t longest_line = 240;

}  // namespace

struct black_box::content {
  std::atomic<std::uint64_t> written = 0;
  std::atomic<std::int64_t> told = 0;
  std::array<std::array<char, longest_line>, most_lines> lines = {};
};

black_box::black_box() : content_(nullptr) {
  auto* const memory =
      ::mmap(nullptr, sizeof(content), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);  // zeroed
  if (memory != MAP_FAILED) content_ = new (memory) content;
}

black_box::~black_box() {
  if (content_ != nullptr) ::munmap(content_, sizeof(content));
}

void black_box::line(std::string_view text) {
  if (content_ == nullptr) return;
  const auto number = content_->written.load(std::memory_order_relaxed);
  auto& place = content_->lines.at(number % most_lines);
  auto length = std::min(text.size(), longest_line - 1);
  // A character of several bytes is not cut in two.
  while (length < text.size() && length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) --length;
  place.fill('\0');
  std::memcpy(place.data(), text.data(), length);
  content_->written.store(number + 1, std::memory_order_release);
}

std::vector<std::string> black_box::lines() const {
  std::vector<std::string> all;
  if (content_ == nullptr) return all;
  const auto written = content_->written.load(std::memory_order_acquire);
  for (auto at = written - std::min<std::uint64_t>(written, most_lines); at < written; ++at) {
    const auto& place = content_->lines.at(at % most_lines);
    all.emplace_back(place.data(), ::strnlen(place.data(), longest_line));
  }
  return all;
}

void black_box::told(std::int64_t cursor) {
  if (content_ != nullptr) content_->told.store(cursor, std::memory_order_release);
}

std::int64_t black_box::told() const {
  return content_ == nullptr ? 0 : content_->told.load(std::memory_order_acquire);
}

}  // namespace sluice::app
