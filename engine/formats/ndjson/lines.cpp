#include "engine/formats/ndjson/lines.hpp"

#include "engine/files/arriving_stream.hpp"
#include "engine/files/interruptible_stream.hpp"
#include "engine/formats/ndjson/cursor.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace sluice::ndjson {

namespace {

constexpr std::int64_t tail_bytes = 64 * 1024;
constexpr std::int64_t byte_order_mark_bytes = 3;

}  // namespace

line_blocks::line_blocks(std::shared_ptr<random_file> file, std::string name, std::int64_t begin, std::int64_t end,
                         std::int64_t block_bytes)
    : file_(std::move(file)),
      name_(std::move(name)),
      begin_(begin),
      end_(end),
      block_bytes_(block_bytes),
      // The byte before the range says whether a line begins with it.
      place_(begin > 0 ? begin - 1 : 0),
      in_first_line_(begin > 0) {}

line_blocks::line_blocks(std::unique_ptr<byte_stream> stream, std::string name, std::int64_t block_bytes)
    : stream_(std::move(stream)),
      name_(std::move(name)),
      end_(std::numeric_limits<std::int64_t>::max()),
      block_bytes_(block_bytes) {}

status line_blocks::go_to(std::int64_t offset) {
  place_ = begin_ + offset;
  in_first_line_ = false;
  return stream_ ? skip_bytes(*stream_, offset) : status{};
}

void line_blocks::interrupt() noexcept {
  if (stream_) interrupt_stream(*stream_);
}

std::int64_t line_blocks::consumed() const {
  if (stream_) return stream_->consumed();
  return std::clamp<std::int64_t>(place_ + cut_ - begin_, 0, end_ - begin_);
}

bool line_blocks::ready() {
  auto* const live = stream_ ? as_arriving(*stream_) : nullptr;
  return live == nullptr || live->ready();
}

void line_blocks::drop_used() {
  const auto rest = filled_ - cut_;
  if (rest > 0) std::memmove(buffer_.data(), buffer_.data() + cut_, static_cast<std::size_t>(rest));
  place_ += cut_;
  filled_ = std::max<std::int64_t>(rest, 0);
  first_ = cut_ = looked_at_ = 0;
}

result<bool> line_blocks::read_more() {
  if (filled_ > longest_record)
    return user_error("record_too_long", name_ + " has a line of more than 256 MiB",
                      "NDJSON needs one JSON object per line");
  const auto here = place_ + filled_;
  // Behind the range only the rest of the last line is wanted: more and more of it where it is long.
  auto wanted = file_ && here >= end_ ? std::max(tail_bytes, filled_ / 2)
                                      : std::min(block_bytes_, file_ ? end_ - here : block_bytes_);
  if (here == 0) wanted = std::max(wanted, byte_order_mark_bytes);
  const auto room = static_cast<std::size_t>(filled_ + wanted + padding);
  if (buffer_.size() < room) buffer_.resize(std::max(room, buffer_.size() + buffer_.size() / 2));
  auto* into = buffer_.data() + filled_;
  std::int64_t got = 0;
  if (file_) {
    SLUICE_ASSIGN(got, file_->read_at(here, into, wanted));
  } else {
    SLUICE_ASSIGN(got, read_arrived(*stream_, reinterpret_cast<std::uint8_t*>(into), wanted));
  }
  const bool at_begin = here == 0;
  filled_ += got;
  at_end_of_file_ = stream_ && as_arriving(*stream_) != nullptr ? got == 0 : got < wanted;
  std::memset(buffer_.data() + filled_, 0, padding);
  // The mark of UTF-8 that some programs put in front of a file; skipped, not counted as a line.
  if (at_begin && filled_ >= 3 && std::memcmp(buffer_.data(), "\xef\xbb\xbf", 3) == 0) first_ = 3;
  if (at_end_of_file_ && filled_ > 0 && buffer_[static_cast<std::size_t>(filled_) - 1] != '\n') {
    buffer_[static_cast<std::size_t>(filled_)] = '\n';
    ++filled_;
    if (buffer_.size() < static_cast<std::size_t>(filled_ + padding))
      buffer_.resize(static_cast<std::size_t>(filled_ + padding));
  }
  return true;
}

/// Drops what is left of the line that began before the range; false: more must be read.
bool line_blocks::skip_first_line() {
  const auto* newline = static_cast<const char*>(std::memchr(buffer_.data(), '\n', static_cast<std::size_t>(filled_)));
  if (newline == nullptr) {
    cut_ = filled_;
    drop_used();
    return false;
  }
  cut_ = newline + 1 - buffer_.data();
  drop_used();
  in_first_line_ = false;
  return true;
}

/// Finds the end of the last whole line that is ours; false: more must be read.
bool line_blocks::find_cut() {
  const auto* data = buffer_.data();
  if (place_ + filled_ >= end_) {
    // The line that holds the last byte of the range is the last one. What was looked at is not looked at again.
    const auto from = std::max<std::int64_t>({end_ - 1 - place_, looked_at_, 0});
    const auto* newline =
        static_cast<const char*>(std::memchr(data + from, '\n', static_cast<std::size_t>(filled_ - from)));
    if (newline != nullptr) {
      cut_ = newline + 1 - data;
      done_ = true;
      return true;
    }
  }
  const auto from = std::max(first_, looked_at_);
  const auto* newline = static_cast<const char*>(memrchr(data + from, '\n', static_cast<std::size_t>(filled_ - from)));
  if (newline == nullptr) {
    looked_at_ = filled_;
    return false;
  }
  cut_ = newline + 1 - data;
  return true;
}

result<bool> line_blocks::next() {
  SLUICE_ASSIGN(const bool more, find_next());
  block_begin_ = buffer_.data() + first_;
  block_end_ = buffer_.data() + cut_;
  block_offset_ = place_ + first_ - begin_;
  return more;
}

result<bool> line_blocks::find_next() {
  drop_used();
  while (!done_) {
    // A line that begins at or behind the end belongs to the next range, also where the first line goes on there.
    if (place_ >= end_) break;
    if (at_end_of_file_) {
      cut_ = filled_;
      done_ = true;
      return !in_first_line_ && cut_ > first_;
    }
    SLUICE_TRY(read_more());
    if (in_first_line_ && !skip_first_line()) continue;
    if (!in_first_line_ && place_ >= end_) break;
    if (find_cut()) return cut_ > first_;
  }
  return false;
}

}  // namespace sluice::ndjson
