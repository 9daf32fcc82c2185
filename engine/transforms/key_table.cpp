#include "engine/transforms/key_table.hpp"

#include <algorithm>
#include <cstring>

namespace sluice {

namespace {

constexpr std::size_t first_slots = 1024;
constexpr std::size_t chunk_words = 8 * 1024;  // 64 KiB
constexpr std::int64_t rows_at_once = 4096;
// Slots are prefetched so many rows ahead.
constexpr std::int64_t ahead = 16;

// A table with so many slots grows when more keys than this are to be in it.
std::size_t most_keys(std::size_t slots) { return slots / 8 * 5; }

}  // namespace

key_table::key_table(std::vector<std::shared_ptr<arrow::DataType>> types) : rows_(std::move(types)) {}

void key_table::grow(std::size_t slots) {
  std::vector<slot> larger(slots, slot{0, missing});
  const auto mask = slots - 1;
  for (const auto& one : slots_) {
    if (one.number == missing) continue;
    auto at = one.hash & mask;
    while (larger[at].number != missing) at = (at + 1) & mask;
    larger[at] = one;
  }
  slots_ = std::move(larger);
}

const std::uint64_t* key_table::key_of(std::uint32_t number) const {
  const auto words = rows_.fixed_words();
  if (words == 0) return places_[number];
  const auto each = chunk_words / words;
  return chunks_[number / each].get() + (number % each) * words;
}

bool key_table::equal(std::uint32_t number, std::span<const std::uint64_t> key) const {
  const auto* own = key_of(number);
  if (rows_.fixed_words() == 0 && lengths_[number] != key.size()) return false;
  for (std::size_t word = 0; word < key.size(); ++word)
    if (own[word] != key[word]) return false;
  return true;
}

std::uint32_t key_table::add_key(std::span<const std::uint64_t> key) {
  const auto words = rows_.fixed_words();
  const auto number = size_++;
  // Keys of one length fill chunks evenly, so that their places follow from
  // their numbers.
  const auto room = words == 0 ? chunk_words : chunk_words / words * words;
  if (chunks_.empty() || chunk_used_ + key.size() > room) {
    const auto size = std::max(chunk_words, key.size());
    chunks_.push_back(std::make_unique<std::uint64_t[]>(size));
    chunk_bytes_ += static_cast<std::int64_t>(size * 8);
    chunk_used_ = 0;
  }
  auto* place = chunks_.back().get() + chunk_used_;
  std::memcpy(place, key.data(), key.size_bytes());
  chunk_used_ += key.size();
  if (words == 0) {
    places_.push_back(place);
    lengths_.push_back(static_cast<std::uint32_t>(key.size()));
  }
  return number;
}

void key_table::number(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows, bool add,
                       std::uint32_t* numbers) {
  rows_.encode(keys, rows);
  const auto& hashes = rows_.hashes();
  if (slots_.empty()) grow(first_slots);
  for (std::int64_t begin = 0; begin < rows; begin += rows_at_once) {
    const auto end = std::min(rows, begin + rows_at_once);
    while (add && size_ + static_cast<std::size_t>(end - begin) > most_keys(slots_.size())) grow(slots_.size() * 2);
    const auto mask = slots_.size() - 1;
    for (std::int64_t row = begin; row < end; ++row) {
      if (row + ahead < end) __builtin_prefetch(&slots_[hashes[row + ahead] & mask]);
      const auto hash = static_cast<std::uint32_t>(hashes[row]);
      const auto key = rows_.row(row);
      auto at = hash & mask;
      while (slots_[at].number != missing && (slots_[at].hash != hash || !equal(slots_[at].number, key)))
        at = (at + 1) & mask;
      if (slots_[at].number == missing && add) slots_[at] = {hash, add_key(key)};
      numbers[row] = slots_[at].number;
    }
  }
}

result<std::vector<std::shared_ptr<arrow::Array>>> key_table::keys(std::span<const std::uint32_t> numbers) const {
  std::vector<const std::uint64_t*> places;
  places.reserve(numbers.size());
  for (const auto number : numbers) places.push_back(key_of(number));
  return rows_.decode(places);
}

std::int64_t key_table::bytes() const {
  return rows_.bytes() + chunk_bytes_ + static_cast<std::int64_t>(slots_.size() * sizeof(slot)) +
         static_cast<std::int64_t>(places_.size() * 8 + lengths_.size() * 4);
}

std::int64_t key_table::growth(std::int64_t keys) const {
  auto slots = std::max(slots_.size(), first_slots);
  while (size_ + static_cast<std::size_t>(keys) > most_keys(slots)) slots *= 2;
  return keys * 8 * static_cast<std::int64_t>(std::max<std::size_t>(rows_.fixed_words(), 1)) +
         (slots > slots_.size() ? static_cast<std::int64_t>(slots * sizeof(slot)) : 0);
}

}  // namespace sluice
