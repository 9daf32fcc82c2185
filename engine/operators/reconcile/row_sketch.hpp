#pragma once

#include "engine/error/error.hpp"

#include <xxhash.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::reconcile {

/// Which of the two sets of rows a row is of.
enum class side { here = 0, there = 1 };

/// Summarises two sets of rows in memory of a fixed size, so that they can be compared: how many rows there are, a hash
/// of all rows and one of each column that do not depend on their order, and of the rows that are not in both sets some
/// keys: all of them where they are few.
///
/// Rows that are in both sets cancel each other out. What is left is looked up in tables like those of Goodrich and
/// Mitzenmacher, "Invertible Bloom lookup tables" (2011), one for each half, quarter, eighth ... of the keys, as in
/// Eppstein et al., "What's the difference? Efficient set reconciliation without prior context" (2011): a table from
/// which not all can be read back is passed over, and the smaller ones give a sample.
class row_sketch {
 public:
  static constexpr std::size_t longest_key = 48;  ///< bytes of a key's text that are kept

  explicit row_sketch(std::size_t columns);

  /// Adds a row: the hash of its key and of the value of each column; `key` is its text, cut to longest_key.
  void add(side to, XXH128_hash_t key, std::span<const std::uint64_t> values, std::string_view text);

  [[nodiscard]] std::uint64_t rows(side of) const { return rows_[static_cast<std::size_t>(of)]; }
  /// Whether both sets have the same rows, as far as 128 bits can tell.
  [[nodiscard]] bool equal() const;
  /// Columns whose values are not the same as a whole, rows of both sets counted.
  [[nodiscard]] std::vector<std::size_t> differing_columns() const;

  /// A key whose rows are not the same in both sets.
  struct difference {
    std::string key;
    bool here = false, there = false;  ///< in which set it has rows that the other one has not
    std::vector<std::size_t> columns;  ///< in both: whose values differ
  };
  struct differences {
    std::vector<difference> some;
    bool all = false;  ///< no others are there
    /// Keys that differ; estimated where not all could be read back.
    std::uint64_t keys = 0;
  };
  [[nodiscard]] differences find() const;

  /// All of it as bytes, and what another one has seen in addition to this one. The error (foreign_state) is that of
  /// bytes of something else.
  [[nodiscard]] std::string bytes() const;
  status add(std::string_view bytes);

 private:
  static constexpr std::size_t levels = 24;  ///< tables; the last has what is left
  static constexpr std::size_t parts = 3;    ///< of a table: a row is in one cell of each
  static constexpr std::size_t part_cells = 48;
  static constexpr std::size_t key_words = longest_key / 8 + 1;  ///< length, text
  static constexpr std::size_t fixed_words = 5 + key_words;      ///< count, key and row hashes, key text

  using words = std::vector<std::uint64_t>;

  [[nodiscard]] std::size_t cell_words() const { return fixed_words + columns_; }
  [[nodiscard]] std::size_t cells_of(std::size_t level) const { return level * parts * part_cells * cell_words(); }
  static std::size_t level_of(const XXH128_hash_t& key);
  [[nodiscard]] XXH128_hash_t row_hash(const XXH128_hash_t& key, const std::uint64_t* values) const;
  [[nodiscard]] std::array<std::size_t, parts> places(const XXH128_hash_t& row) const;
  /// Reads a table back; false where something is left in it.
  bool peel(words table, std::vector<words>& found) const;
  [[nodiscard]] bool is_single(const std::uint64_t* cell) const;

  std::size_t columns_;
  std::array<std::uint64_t, 2> rows_ = {};
  std::array<std::array<std::uint64_t, 2>, 2> hashes_ = {};  ///< sums of the rows' hashes, by side
  words column_hashes_;                                      ///< here less there
  words cells_;
};

}  // namespace sluice::reconcile
