#include "engine/formats/csv/chunk_reader.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace sluice::csv {

namespace {

constexpr std::uint32_t padding = 64;               // SIMD code reads so far beyond what it looks at
constexpr std::uint32_t block_bytes = 1024 * 1024;  // fits the second cache; half as much costs twice the messages
constexpr std::uint32_t small_block = 16 * 1024;    // for the rest of a record behind the end of a split
constexpr std::uint32_t largest_record = 1U << 30;

}  // namespace

void chunk_reader::free_bytes::operator()(std::uint8_t* bytes) const { std::free(bytes); }

chunk_reader::chunk_reader(fetch from, const dialect& rules)
    : from_(std::move(from)), index_(rules, best_simd_level()) {}

void chunk_reader::start(std::int64_t offset) {
  offset_ = offset - padding;
  filled_ = scanned_ = padding;
  ended_ = false;
  index_.reset(padding);
}

status chunk_reader::make_room(std::uint32_t more) {
  if (filled_ + more <= capacity_) return {};
  const auto wanted = std::max(filled_ + more, capacity_ * 2);
  if (wanted > largest_record)
    return user_error("record_too_large",
                      "the record at byte " + std::to_string(next_record()) + " does not end within 1 GiB",
                      "look for a quote that is never closed, or another separator or line end");
  auto* grown = static_cast<std::uint8_t*>(std::aligned_alloc(4096, (wanted + 2 * padding + 4095) / 4096 * 4096));
  if (grown == nullptr)
    return external_error("out_of_memory", "cannot get a buffer of " + std::to_string(wanted) + " bytes");
  if (buffer_) {
    std::memcpy(grown, base_, filled_);
  } else {
    std::memset(grown, 0, padding);
  }
  buffer_.reset(grown);
  base_ = grown;
  capacity_ = wanted;
  return {};
}

result<bool> chunk_reader::fill(std::int64_t wanted) {
  // Content that ends without a line end has its last record's end behind it.
  const auto rest = std::min(index_.next_record(), filled_);
  if (rest > padding) {
    std::memmove(base_ + padding, base_ + rest, filled_ - rest);
    offset_ += rest - padding;
    filled_ -= rest - padding;
    // The rest is scanned again: it is part of one record.
    scanned_ = padding;
    index_.reset(padding);
  }
  while (index_.records() == 0 && !ended_) {
    const auto left = wanted - read_so_far();
    // Grows with a long record, so that it is not read in a thousand small pieces.
    const auto least = std::max<std::int64_t>(small_block, pending() / 2);
    const auto size = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
        left, std::min<std::int64_t>(least, 64 * block_bytes), std::max<std::int64_t>(least, block_bytes)));
    SLUICE_TRY(make_room(size));
    SLUICE_ASSIGN(const auto got, from_(read_so_far(), base_ + filled_, size));
    ended_ = got < size;
    filled_ += static_cast<std::uint32_t>(got);
    std::memset(base_ + filled_, 0, padding);
    scanned_ = index_.scan(base_, scanned_, filled_, ended_);
  }
  return index_.records() > 0;
}

}  // namespace sluice::csv
