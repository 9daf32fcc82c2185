#pragma once

#include "engine/error/error.hpp"
#include "engine/operators/keys/key_runs.hpp"
#include "engine/operators/keys/key_table.hpp"
#include "engine/operators/keys/packed_keys.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sluice {

/// Prepares a key column: dictionaries are decoded, -0 becomes 0, every NaN
/// the same one and an interval the canonical one of its length, so that what
/// is equal has equal bytes. Shares the column where there is nothing to do.
result<std::shared_ptr<arrow::Array>> canonical_key(std::shared_ptr<arrow::Array> column);
/// The type that canonical_key gives.
std::shared_ptr<arrow::DataType> canonical_key_type(const std::shared_ptr<arrow::DataType>& type);

/// Numbers distinct keys from 0: a key_table, with short frequent keys in front
/// of it. Null is a key like any other. Without key columns there is one group.
class group_index {
 public:
  /// `types`: as canonical_key_type gives them. The error is that of
  /// flow::check_key_type.
  static result<std::unique_ptr<group_index>> make(const std::vector<std::shared_ptr<arrow::DataType>>& types);

  /// The group of each row, new ones added. Valid until the next call.
  const std::uint32_t* add(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows);
  /// The group of each row, or `missing`; valid until the next call.
  const std::uint32_t* find(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows);
  static constexpr std::uint32_t missing = key_table::missing;
  /// Of the keys of the last `find`: 64 bits, for spreading rows over
  /// partitions.
  [[nodiscard]] const std::vector<std::uint64_t>& hashes() const { return table_.hashes(); }

  [[nodiscard]] std::uint32_t size() const;
  /// The keys of some groups.
  result<std::vector<std::shared_ptr<arrow::Array>>> keys(std::span<const std::uint32_t> groups) const;
  [[nodiscard]] std::int64_t bytes() const;
  /// Bytes that so many new keys would take beside those that are there.
  [[nodiscard]] std::int64_t growth(std::int64_t rows) const { return has_keys_ ? table_.growth(rows) : 0; }

 private:
  explicit group_index(const std::vector<std::shared_ptr<arrow::DataType>>& types);
  const std::uint32_t* numbers_for(std::int64_t rows);
  /// Adds to the table, a run of equal keys at a time.
  void add_to_table(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows, std::uint32_t* numbers);
  void add_piece(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows, std::uint32_t* numbers);

  bool has_keys_;
  key_table table_;
  packed_keys frequent_;  ///< in front of the table, whose numbers it repeats
  key_runs runs_;
  std::vector<std::uint32_t> numbers_, found_;  ///< of the last call
  bool any_row_ = false;
};

}  // namespace sluice
