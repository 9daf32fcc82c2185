#include "engine/operators/joins/row_index.hpp"

#include <algorithm>
#include <bit>

namespace sluice::joins {

namespace {

constexpr std::int64_t group = 128;  // rows whose slots are read ahead together
constexpr std::uint64_t small_array = 1 << 12;
constexpr std::uint64_t array_per_row = 8;  // entries of four bytes: no more than a hash table at its emptiest

std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }

}  // namespace

void row_index::begin(std::vector<const key_rows*> blocks) {
  blocks_ = std::move(blocks);
  left_ = blocks_.size();
  array_ = false;
  first_ = no_row;
  heads_.clear();
  slots_.clear();
  next_.clear();
  if (layout_->keyless()) {
    next_.assign(row_numbers(), no_row);
    return;
  }
  if (choose_array()) return;
  std::uint64_t rows = 0;
  for (const auto* block : blocks_) rows += static_cast<std::uint64_t>(block->rows);
  const auto size = std::bit_ceil(std::max<std::uint64_t>(rows + rows / 2, 16));
  slots_.assign(size, slot{0, no_row});
  mask_ = size - 1;
}

std::size_t row_index::row_numbers() const {
  if (blocks_.empty()) return 0;
  return (blocks_.size() - 1) * block_rows + static_cast<std::size_t>(blocks_.back()->rows);
}

bool row_index::choose_array() {
  if (layout_->words() != 1) return false;
  std::uint64_t lowest = ~std::uint64_t{0}, highest = 0, rows = 0;
  for (const auto* block : blocks_) {
    for (std::size_t row = 0; row < block->words.size(); ++row) {
      if (block->is_null(static_cast<std::int64_t>(row))) continue;
      lowest = std::min(lowest, block->words[row]);
      highest = std::max(highest, block->words[row]);
    }
    rows += block->words.size();
  }
  array_ = lowest > highest || highest - lowest < std::max(small_array, rows * array_per_row);
  if (!array_) return false;
  lowest_ = lowest;
  if (lowest <= highest) heads_.assign(highest - lowest + 1, no_row);
  return true;
}

bool row_index::step() {
  if (left_ == 0) return false;
  const auto block = static_cast<std::uint32_t>(--left_);
  if (layout_->keyless()) {
    index_keyless(block);
  } else if (array_) {
    index_array(block);
  } else {
    index_hashed(block);
  }
  return left_ > 0;
}

// Rows are indexed from the last to the first, so that chains ascend.
void row_index::chain(std::uint32_t row, std::uint32_t& head) {
  if (head != no_row && !first_only_) {
    if (next_.empty()) next_.assign(row_numbers(), no_row);
    next_[row] = head;
  }
  head = row;
}

void row_index::index_keyless(std::uint32_t block) {
  for (auto row = blocks_[block]->rows; row-- > 0;) chain(static_cast<std::uint32_t>(block * block_rows + row), first_);
}

void row_index::index_array(std::uint32_t block) {
  const auto& keys = *blocks_[block];
  for (auto row = keys.rows; row-- > 0;)
    if (!keys.is_null(row))
      chain(static_cast<std::uint32_t>(block * block_rows + row),
            heads_[keys.words[static_cast<std::size_t>(row)] - lowest_]);
}

void row_index::index_hashed(std::uint32_t block) {
  const auto& keys = *blocks_[block];
  std::uint64_t hashes[group];
  for (auto end = keys.rows; end > 0; end -= std::min(group, end)) {
    const auto begin = std::max<std::int64_t>(0, end - group);
    layout_->hash(keys, begin, end - begin, hashes);
    for (auto i = end - begin; i-- > 0;) __builtin_prefetch(&slots_[hashes[i] & mask_], 1);
    for (auto i = end - begin; i-- > 0;) {
      if (keys.is_null(begin + i)) continue;
      const auto tag = tag_of(hashes[i]);
      auto at = hashes[i] & mask_;
      while (slots_[at].row != no_row && (slots_[at].tag != tag || !same_key(keys, begin + i, slots_[at].row)))
        at = (at + 1) & mask_;
      slots_[at].tag = tag;
      chain(static_cast<std::uint32_t>(block * block_rows + begin + i), slots_[at].row);
    }
  }
}

bool row_index::same_key(const key_rows& keys, std::int64_t row, std::uint32_t stored) const {
  const auto& other = *blocks_[block_of(stored)];
  const auto place = place_of(stored);
  const auto at = static_cast<std::size_t>(row);
  switch (layout_->words()) {
    case 1:
      return keys.words[at] == other.words[place];
    case 2:
      return keys.words[2 * at] == other.words[2 * place] && keys.words[2 * at + 1] == other.words[2 * place + 1];
    default:
      return keys.text(row) == other.text(place);
  }
}

void row_index::find(const key_rows& keys, std::uint32_t* rows) const {
  if (layout_->keyless()) {
    std::fill_n(rows, keys.rows, first_);
    return;
  }
  if (array_) {
    find_array(keys, rows);
  } else {
    find_hashed(keys, rows);
  }
  if (keys.nulls.empty()) return;
  for (std::int64_t row = 0; row < keys.rows; ++row)
    if (keys.is_null(row)) rows[row] = no_row;
}

void row_index::find_array(const key_rows& keys, std::uint32_t* rows) const {
  const auto size = heads_.size();
  const auto* words = keys.words.data();
  const auto* heads = heads_.data();
  for (std::int64_t row = 0; row < keys.rows; ++row) {
    const auto at = words[row] - lowest_;
    rows[row] = at < size ? heads[at] : no_row;
  }
}

void row_index::find_hashed(const key_rows& keys, std::uint32_t* rows) const {
  std::uint64_t hashes[group];
  for (std::int64_t begin = 0; begin < keys.rows; begin += group) {
    const auto count = std::min(group, keys.rows - begin);
    layout_->hash(keys, begin, count, hashes);
    for (std::int64_t i = 0; i < count; ++i) __builtin_prefetch(&slots_[hashes[i] & mask_]);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto& first = slots_[hashes[i] & mask_];
      if (first.row == no_row || first.tag != tag_of(hashes[i])) continue;
      const auto& block = *blocks_[block_of(first.row)];
      const auto place = place_of(first.row);
      if (layout_->words() > 0) {
        __builtin_prefetch(&block.words[place * static_cast<std::size_t>(layout_->words())]);
      } else {
        __builtin_prefetch(&block.starts[place]);
      }
    }
    for (std::int64_t i = 0; i < count; ++i) {
      const auto tag = tag_of(hashes[i]);
      auto at = hashes[i] & mask_;
      while (slots_[at].row != no_row && (slots_[at].tag != tag || !same_key(keys, begin + i, slots_[at].row)))
        at = (at + 1) & mask_;
      rows[begin + i] = slots_[at].row;
    }
  }
}

std::int64_t row_index::bytes() const {
  return static_cast<std::int64_t>((heads_.capacity() + next_.capacity()) * 4 + slots_.capacity() * sizeof(slot));
}

// An array of 8 entries a row, or at most 3 slots, and the chain.
std::int64_t row_index::most_bytes(std::int64_t rows) { return rows * 36 + std::int64_t{small_array} * 8; }

}  // namespace sluice::joins
