#include "engine/formats/csv/split_chain.hpp"

#include "engine/formats/csv/record_index.hpp"

#include <algorithm>

namespace sluice::csv {

namespace {

constexpr std::int64_t block_bytes = 512 * 1024;
constexpr std::int64_t padding = 64;

}  // namespace

split_chain::split_chain(std::shared_ptr<random_file> file, dialect rules, std::int64_t data_begin,
                         std::int64_t split_bytes)
    : file_(std::move(file)), rules_(rules), data_begin_(data_begin), split_bytes_(split_bytes), starts_{data_begin} {}

void split_chain::follow_reports(std::size_t split) {
  while (starts_.size() <= split) {
    const auto found = findings_.find(starts_.size() - 1);
    if (found == findings_.end() || found->second.start != starts_.back()) return;
    starts_.push_back(found->second.end);
    findings_.erase(found);
  }
}

std::optional<std::int64_t> split_chain::known_start(std::size_t split) {
  const std::lock_guard guard(lock_);
  follow_reports(split);
  return split < starts_.size() ? std::optional(starts_[split]) : std::nullopt;
}

result<std::int64_t> split_chain::find_start(std::size_t split) {
  const std::lock_guard guard(lock_);
  for (;;) {
    follow_reports(split);
    if (split < starts_.size()) return starts_[split];
    SLUICE_ASSIGN(const auto next, scan(starts_.back(), begin_of(starts_.size())));
    starts_.push_back(next);
  }
}

void split_chain::report(std::size_t split, std::int64_t start, std::int64_t end) {
  const std::lock_guard guard(lock_);
  if (split + 1 >= starts_.size()) findings_[split] = {start, end};
}

/// Finds the first record at or behind `target`, reading from the record at `start`.
result<std::int64_t> split_chain::scan(std::int64_t start, std::int64_t target) const {
  if (start >= target || start >= file_->size()) return start;
  record_index index(rules_, best_simd_level());
  std::vector<std::uint8_t> buffer(static_cast<std::size_t>(block_bytes + 4 * padding));
  auto* const data = buffer.data() + padding;
  auto at = start;
  std::int64_t kept = 0;  // a CR that waited for the byte behind it
  for (;;) {
    SLUICE_ASSIGN(const auto got, file_->read_at(at + kept, data + kept, block_bytes - kept));
    const bool last = got < block_bytes - kept;
    const auto size = static_cast<std::uint32_t>(kept + got);
    data[size] = 0;
    index.forget();
    const auto scanned = index.scan(data, 0, size, last);
    for (std::size_t i = 0; i < index.records(); ++i) {
      const auto next = std::min(at + index.ends()[index.record_ends()[i]] + 1, file_->size());
      if (next >= target) return next;
    }
    if (last) return file_->size();
    kept = size - scanned;
    std::copy_n(data + scanned, kept, data);
    at += scanned;
  }
}

}  // namespace sluice::csv
