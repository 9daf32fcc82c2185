#pragma once

#include "engine/operators/joins/joined_keys.hpp"

#include <cstdint>
#include <vector>

namespace sluice::joins {

/// Rows are kept in blocks of up to 64 Ki: a row's number is block * 64 Ki + its place there.
inline constexpr std::int64_t block_rows = 64 * 1024;
inline constexpr std::uint32_t no_row = ~std::uint32_t{0};

constexpr std::uint32_t block_of(std::uint32_t row) { return row >> 16; }
constexpr std::uint32_t place_of(std::uint32_t row) { return row & 0xffff; }

/// Finds the rows that have a key. Keys of one word whose values lie close together (identifiers mostly do) index an
/// array; all others are hashed into an open table of (part of the hash, row), read ahead of use. Rows of one key are
/// chained in the order in which they came.
class row_index {
 public:
  /// `first_only`: of the rows with one key only the first is wanted (semi, anti).
  row_index(const key_layout& layout, bool first_only) : layout_(&layout), first_only_(first_only) {}

  /// Begins to index all rows of these blocks, which must stay where they are; rows whose key has a null are left out.
  void begin(std::vector<const key_rows*> blocks);
  /// Indexes one block; false when all are.
  bool step();

  /// The first row of each key, or no_row.
  void find(const key_rows& keys, std::uint32_t* rows) const;
  /// The next row with the same key, or no_row.
  [[nodiscard]] std::uint32_t next(std::uint32_t row) const { return next_.empty() ? no_row : next_[row]; }
  /// True where no key has two rows.
  [[nodiscard]] bool unique() const { return next_.empty(); }

  [[nodiscard]] std::int64_t bytes() const;
  /// The most that an index over so many rows takes.
  static std::int64_t most_bytes(std::int64_t rows);

 private:
  struct slot {
    std::uint32_t tag;
    std::uint32_t row;  ///< no_row: free
  };

  [[nodiscard]] std::size_t row_numbers() const;
  bool choose_array();
  void chain(std::uint32_t row, std::uint32_t& head);
  void index_keyless(std::uint32_t block);
  void index_array(std::uint32_t block);
  void index_hashed(std::uint32_t block);
  void find_array(const key_rows& keys, std::uint32_t* rows) const;
  void find_hashed(const key_rows& keys, std::uint32_t* rows) const;
  [[nodiscard]] bool same_key(const key_rows& keys, std::int64_t row, std::uint32_t stored) const;

  const key_layout* layout_;
  bool first_only_;
  std::vector<const key_rows*> blocks_;
  std::size_t left_ = 0;  ///< blocks to be indexed, the last one first
  bool array_ = false;    ///< heads_ is indexed by key - lowest_
  std::uint64_t lowest_ = 0;
  std::vector<std::uint32_t> heads_;  ///< first row of each key
  std::vector<slot> slots_;
  std::uint64_t mask_ = 0;
  std::vector<std::uint32_t> next_;  ///< of each row; empty while no key has two
  std::uint32_t first_ = no_row;     ///< of all rows, without keys
};

}  // namespace sluice::joins
