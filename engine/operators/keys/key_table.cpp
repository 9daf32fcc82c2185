#include "engine/operators/keys/key_table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace sluice {

namespace {

constexpr std::size_t first_slots = 1024;
constexpr std::size_t chunk_words = 8 * 1024;  // 64 KiB
constexpr std::int64_t rows_at_once = 4096;
// So many rows ahead the slots are fetched into the cache, then what they refer to: tables of many keys do not fit into
// it, and a row would otherwise wait for one access after the other.
constexpr std::int64_t slots_ahead = 24;
constexpr std::int64_t places_ahead = 16;
constexpr std::int64_t keys_ahead = 8;

// A table with so many slots grows when more keys than this are to be in it.
std::size_t most_keys(std::size_t slots) { return slots / 8 * 5; }

bool same(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) {
  if (a.size() != b.size()) return false;
  for (std::size_t word = 0; word < a.size(); ++word)
    if (a[word] != b[word]) return false;
  return true;
}

}  // namespace

key_table::key_table(std::vector<std::shared_ptr<arrow::DataType>> types) : rows_(std::move(types)) {
  const auto words = std::max<std::size_t>(rows_.fixed_words(), 1);
  chunk_shift_ = static_cast<unsigned>(std::bit_width(std::max<std::size_t>(chunk_words / words, 1)) - 1);
}

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
  return chunks_[number >> chunk_shift_].get() + (number & ((std::uint32_t{1} << chunk_shift_) - 1)) * words;
}

// A key of any length has its number of words in front.
std::span<const std::uint64_t> key_table::words_of(std::uint32_t number) const {
  const auto* key = key_of(number);
  return rows_.fixed_words() == 0 ? std::span(key + 1, *key) : std::span(key, rows_.fixed_words());
}

std::uint32_t key_table::add_key(std::span<const std::uint64_t> key) {
  const auto words = rows_.fixed_words();
  const auto number = size_++;
  // Keys of one length fill chunks evenly, so that their places follow from
  // their numbers.
  const auto room = words == 0 ? chunk_words : words << chunk_shift_;
  const auto needed = key.size() + (words == 0 ? 1 : 0);
  if (chunks_.empty() || chunk_used_ + needed > room) {
    const auto size = std::max(room, needed);
    chunks_.push_back(std::make_unique_for_overwrite<std::uint64_t[]>(size));
    chunk_bytes_ += static_cast<std::int64_t>(size * 8);
    chunk_used_ = 0;
  }
  auto* place = chunks_.back().get() + chunk_used_;
  chunk_used_ += needed;
  if (words == 0) {
    places_.push_back(place);
    *place++ = key.size();
  }
  std::memcpy(place, key.data(), key.size_bytes());
  return number;
}

// Rows of `end` and behind are not looked at. Inlined by force: a function that only prefetches has no effect in GCC's
// eyes, which leaves calls of it out.
[[gnu::always_inline]] inline void key_table::fetch(std::int64_t row, std::int64_t end) const {
  const auto* hashes = rows_.hashes().data();
  const auto mask = slots_.size() - 1;
  if (row + slots_ahead < end) __builtin_prefetch(&slots_[hashes[row + slots_ahead] & mask]);
  if (rows_.fixed_words() == 0 && row + places_ahead < end) {
    const auto number = slots_[hashes[row + places_ahead] & mask].number;
    if (number != missing) __builtin_prefetch(&places_[number]);
  }
  if (row + keys_ahead < end) {
    const auto number = slots_[hashes[row + keys_ahead] & mask].number;
    if (number != missing) __builtin_prefetch(key_of(number));
  }
}

void key_table::number(const std::vector<std::shared_ptr<arrow::Array>>& keys, const row_choice& chosen, bool add,
                       std::uint32_t* numbers) {
  rows_.encode(keys, chosen);
  const auto rows = chosen.rows;
  const auto& hashes = rows_.hashes();
  if (slots_.empty()) grow(first_slots);
  for (std::int64_t begin = 0; begin < rows; begin += rows_at_once) {
    const auto end = std::min(rows, begin + rows_at_once);
    while (add && size_ + static_cast<std::size_t>(end - begin) > most_keys(slots_.size())) grow(slots_.size() * 2);
    const auto mask = slots_.size() - 1;
    for (std::int64_t row = begin; row < end; ++row) {
      fetch(row, end);
      const auto key = rows_.row(row);
      // Rows with the same key often come one after the other: no more than the first has to be looked for.
      if (row > begin && hashes[row] == hashes[row - 1] && same(key, rows_.row(row - 1))) {
        numbers[row] = numbers[row - 1];
        continue;
      }
      const auto hash = static_cast<std::uint32_t>(hashes[row]);
      auto at = hash & mask;
      while (slots_[at].number != missing && (slots_[at].hash != hash || !same(words_of(slots_[at].number), key)))
        at = (at + 1) & mask;
      if (slots_[at].number == missing && add) slots_[at] = {hash, add_key(key)};
      numbers[row] = slots_[at].number;
    }
  }
}

result<std::vector<std::shared_ptr<arrow::Array>>> key_table::keys(std::span<const std::uint32_t> numbers) const {
  std::vector<const std::uint64_t*> places;
  places.reserve(numbers.size());
  for (const auto number : numbers) places.push_back(words_of(number).data());
  return rows_.decode(places);
}

std::int64_t key_table::bytes() const {
  return rows_.bytes() + chunk_bytes_ + static_cast<std::int64_t>(slots_.size() * sizeof(slot)) +
         static_cast<std::int64_t>(places_.size() * 8);
}

std::int64_t key_table::growth(std::int64_t keys) const {
  auto slots = std::max(slots_.size(), first_slots);
  while (size_ + static_cast<std::size_t>(keys) > most_keys(slots)) slots *= 2;
  return keys * 8 * static_cast<std::int64_t>(std::max<std::size_t>(rows_.fixed_words(), 1)) +
         (slots > slots_.size() ? static_cast<std::int64_t>(slots * sizeof(slot)) : 0);
}

}  // namespace sluice
