#include "engine/operators/reconcile/row_sketch.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>

namespace sluice::reconcile {

namespace {

// The words of a cell: how many rows here less those there, then the exclusive or of what each row has.
constexpr std::size_t count_at = 0, key_at = 1, row_at = 3, text_at = 5;

void add_128(std::array<std::uint64_t, 2>& to, const XXH128_hash_t& value) {
  to[0] += value.low64;
  to[1] += value.high64 + (to[0] < value.low64 ? 1 : 0);
}

}  // namespace

row_sketch::row_sketch(std::size_t columns)
    : columns_(columns), column_hashes_(columns), cells_(levels * parts * part_cells * (fixed_words + columns)) {}

std::size_t row_sketch::level_of(const XXH128_hash_t& key) {
  return std::min<std::size_t>(static_cast<std::size_t>(std::countr_zero(key.high64)), levels - 1);
}

XXH128_hash_t row_sketch::row_hash(const XXH128_hash_t& key, const std::uint64_t* values) const {
  return XXH3_128bits_withSeed(values, columns_ * sizeof(std::uint64_t), key.low64 ^ (key.high64 << 1));
}

std::array<std::size_t, row_sketch::parts> row_sketch::places(const XXH128_hash_t& row) const {
  std::array<std::size_t, parts> made{};
  const std::array<std::uint64_t, parts> bits = {row.low64, row.low64 >> 32, row.high64};
  for (std::size_t i = 0; i < parts; ++i)
    made[i] = (i * part_cells + static_cast<std::uint32_t>(bits[i]) % part_cells) * cell_words();
  return made;
}

void row_sketch::add(side to, XXH128_hash_t key, std::span<const std::uint64_t> values, std::string_view text) {
  const auto row = row_hash(key, values.data());
  const auto which = static_cast<std::size_t>(to);
  ++rows_[which];
  add_128(hashes_[which], row);
  const std::uint64_t one = to == side::here ? 1 : ~std::uint64_t{0};
  for (std::size_t i = 0; i < columns_; ++i) column_hashes_[i] += one * values[i];

  std::array<std::uint64_t, key_words> spelled{};
  spelled[0] = std::min(text.size(), longest_key);
  std::memcpy(&spelled[1], text.data(), spelled[0]);
  auto* const table = cells_.data() + cells_of(level_of(key));
  for (const auto place : places(row)) {
    auto* cell = table + place;
    cell[count_at] += one;
    cell[key_at] ^= key.low64;
    cell[key_at + 1] ^= key.high64;
    cell[row_at] ^= row.low64;
    cell[row_at + 1] ^= row.high64;
    for (std::size_t i = 0; i < key_words; ++i) cell[text_at + i] ^= spelled[i];
    for (std::size_t i = 0; i < columns_; ++i) cell[fixed_words + i] ^= values[i];
  }
}

bool row_sketch::equal() const { return rows_[0] == rows_[1] && hashes_[0] == hashes_[1]; }

std::vector<std::size_t> row_sketch::differing_columns() const {
  std::vector<std::size_t> made;
  for (std::size_t i = 0; i < columns_; ++i)
    if (column_hashes_[i] != 0) made.push_back(i);
  return made;
}

bool row_sketch::is_single(const std::uint64_t* cell) const {
  if (cell[count_at] != 1 && cell[count_at] != ~std::uint64_t{0}) return false;
  const auto row = row_hash({cell[key_at], cell[key_at + 1]}, cell + fixed_words);
  return row.low64 == cell[row_at] && row.high64 == cell[row_at + 1];
}

bool row_sketch::peel(words table, std::vector<words>& found) const {
  for (bool any = true; any;) {
    any = false;
    for (std::size_t at = 0; at < table.size(); at += cell_words()) {
      if (!is_single(table.data() + at)) continue;
      any = true;
      const words row(table.begin() + static_cast<std::ptrdiff_t>(at),
                      table.begin() + static_cast<std::ptrdiff_t>(at + cell_words()));
      for (const auto place : places({row[row_at], row[row_at + 1]})) {
        table[place] -= row[count_at];
        for (std::size_t i = 1; i < cell_words(); ++i) table[place + i] ^= row[i];
      }
      found.push_back(row);
    }
  }
  return std::all_of(table.begin(), table.end(), [](std::uint64_t word) { return word == 0; });
}

row_sketch::differences row_sketch::find() const {
  differences made;
  made.all = true;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<words>> by_key;
  double share = 0;  // of all keys, those in tables that could be read back
  for (std::size_t level = 0; level < levels; ++level) {
    const auto begin = cells_.begin() + static_cast<std::ptrdiff_t>(cells_of(level));
    std::vector<words> found;
    if (!peel({begin, begin + static_cast<std::ptrdiff_t>(cells_of(1))}, found)) {
      made.all = false;
      continue;
    }
    share += std::ldexp(1.0, -static_cast<int>(level == levels - 1 ? level : level + 1));
    for (auto& row : found) by_key[{row[key_at], row[key_at + 1]}].push_back(std::move(row));
  }
  for (const auto& [key, rows] : by_key) {
    const auto& first = rows.front();
    difference one;
    one.key.assign(reinterpret_cast<const char*>(&first[text_at + 1]),
                   std::min<std::size_t>(first[text_at], longest_key));
    for (const auto& row : rows) (row[count_at] == 1 ? one.here : one.there) = true;
    if (rows.size() == 2 && one.here && one.there)
      for (std::size_t i = 0; i < columns_; ++i)
        if (rows[0][fixed_words + i] != rows[1][fixed_words + i]) one.columns.push_back(i);
    made.some.push_back(std::move(one));
  }
  made.keys = by_key.size();
  if (!made.all && share > 0) made.keys = static_cast<std::uint64_t>(static_cast<double>(by_key.size()) / share);
  return made;
}

std::string row_sketch::bytes() const {
  words all = {columns_, rows_[0], rows_[1], hashes_[0][0], hashes_[0][1], hashes_[1][0], hashes_[1][1]};
  all.insert(all.end(), column_hashes_.begin(), column_hashes_.end());
  all.insert(all.end(), cells_.begin(), cells_.end());
  return {reinterpret_cast<const char*>(all.data()), all.size() * sizeof(std::uint64_t)};
}

status row_sketch::add(std::string_view bytes) {
  words all(bytes.size() / sizeof(std::uint64_t));
  std::memcpy(all.data(), bytes.data(), all.size() * sizeof(std::uint64_t));
  if (bytes.size() % sizeof(std::uint64_t) != 0 || all.size() != 7 + columns_ + cells_.size() || all[0] != columns_)
    return internal_error("foreign_state", "the rows that were compared before can't be read");
  for (std::size_t which = 0; which < 2; ++which) {
    rows_[which] += all[1 + which];
    add_128(hashes_[which], {all[3 + 2 * which], all[4 + 2 * which]});
  }
  for (std::size_t i = 0; i < columns_; ++i) column_hashes_[i] += all[7 + i];
  const auto* from = all.data() + 7 + columns_;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    if (i % cell_words() == count_at)
      cells_[i] += from[i];
    else
      cells_[i] ^= from[i];
  }
  return {};
}

}  // namespace sluice::reconcile
