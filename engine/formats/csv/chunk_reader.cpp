#include "engine/formats/csv/chunk_reader.hpp"

#include "engine/formats/csv/runaway.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace sluice::csv {

namespace {

constexpr std::uint32_t padding = 64;                  // SIMD code reads so far beyond what it looks at
constexpr std::uint32_t block_bytes = 1024 * 1024;     // fits the second cache; half as much costs twice the messages
constexpr std::uint32_t small_block = 16 * 1024;       // for the rest of a record behind the end of a split
constexpr std::int64_t long_record = 8 * 1024 * 1024;  // its end is looked for before all of it is read into memory

}  // namespace

void chunk_reader::free_bytes::operator()(std::uint8_t* bytes) const { std::free(bytes); }

chunk_reader::chunk_reader(fetch from, const dialect& rules, find_record_end look)
    : from_(std::move(from)), rules_(rules), look_(std::move(look)), index_(rules, best_simd_level()) {}

void chunk_reader::start(std::int64_t offset) {
  offset_ = offset - padding;
  filled_ = scanned_ = padding;
  ended_ = looked_ = false;
  runaway_.reset();
  index_.reset(padding);
}

status chunk_reader::make_room(std::uint32_t more) {
  if (filled_ + more <= capacity_) return {};
  const auto wanted = std::max(filled_ + more, capacity_ + std::min<std::uint32_t>(capacity_, 64 * block_bytes));
  auto* grown = static_cast<std::uint8_t*>(std::aligned_alloc(4096, (wanted + 2 * padding + 4095) / 4096 * 4096));
  if (grown == nullptr)
    return external_error("out_of_memory", "can't allocate a buffer of " + std::to_string(wanted) + " bytes");
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

/// Whether the pending record will not be read to its end.
result<bool> chunk_reader::goes_too_far() {
  if (ended_ && index_.in_quotes()) {
    const auto record = index_.records() < 2 ? padding : index_.ends()[index_.record_ends()[index_.records() - 2]] + 1;
    const std::string_view bytes(reinterpret_cast<const char*>(base_) + record, filled_ - record);
    runaway_ = extent_of(bytes, rules_, offset_of(record));
    return true;
  }
  if (index_.records() > 0 || ended_ || pending() <= long_record) return false;
  if (look_ && !looked_) {
    looked_ = true;
    SLUICE_ASSIGN(const auto extent, look_(next_record()));
    if (extent.open || extent.end - extent.begin > largest_record) runaway_ = extent;
  } else if (pending() > largest_record) {
    const auto record = index_.next_record();
    runaway_ = extent_of({reinterpret_cast<const char*>(base_) + record, filled_ - record}, rules_, next_record());
    runaway_->to_end = false;
    runaway_->open = index_.in_quotes();
  }
  return runaway_.has_value();
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
    looked_ = false;
  }
  while (index_.records() == 0 && !ended_) {
    const auto left = wanted - read_so_far();
    // Grows with a long record, so that it is not read in a thousand small pieces.
    const auto least = std::max<std::int64_t>(small_block, pending() / 2);
    const auto size = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
        left, std::min<std::int64_t>(least, 64 * block_bytes), std::max<std::int64_t>(least, block_bytes)));
    SLUICE_TRY(make_room(size));
    SLUICE_ASSIGN(const auto got, from_(read_so_far(), base_ + filled_, size));
    ended_ = arriving_ ? got == 0 : got < size;
    filled_ += static_cast<std::uint32_t>(got);
    std::memset(base_ + filled_, 0, padding);
    scanned_ = index_.scan(base_, scanned_, filled_, ended_);
    SLUICE_ASSIGN(const bool too_far, goes_too_far());
    if (too_far) return false;
  }
  return index_.records() > 0;
}

}  // namespace sluice::csv
