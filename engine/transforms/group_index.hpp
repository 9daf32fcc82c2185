#pragma once

#include "engine/error.hpp"
#include "engine/memory/counted_pool.hpp"
#include "engine/transforms/packed_keys.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace arrow::compute {
class Grouper;
class ExecContext;
}  // namespace arrow::compute

namespace sluice {

/// Prepares a key column: dictionaries are decoded, -0 becomes 0 and every NaN the same one, so that what is equal has
/// equal bytes. Shares the column where there is nothing to do.
result<std::shared_ptr<arrow::Array>> canonical_key(std::shared_ptr<arrow::Array> column);
/// The type that canonical_key gives.
std::shared_ptr<arrow::DataType> canonical_key_type(const std::shared_ptr<arrow::DataType>& type);

/// Numbers distinct keys from 0: Arrow's Grouper, with its memory counted. Null is a key like any other. Without key
/// columns there is one group.
class group_index {
 public:
  /// `types`: as canonical_key_type gives them, checked by flow::check_key_type.
  static result<std::unique_ptr<group_index>> make(const std::vector<std::shared_ptr<arrow::DataType>>& types);
  ~group_index();

  /// The group of each row, new ones added. Valid until the next call. Numbers of groups that are new in one call need
  /// not ascend by row.
  result<const std::uint32_t*> add(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows);
  /// The group of each row, or `missing`; valid until the next call.
  result<const std::uint32_t*> find(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows);
  static constexpr std::uint32_t missing = ~std::uint32_t{0};

  [[nodiscard]] std::uint32_t size() const;
  /// The keys of all groups, by number.
  result<std::vector<std::shared_ptr<arrow::Array>>> keys() const;
  [[nodiscard]] std::int64_t bytes() const;

 private:
  explicit group_index(const std::vector<std::shared_ptr<arrow::DataType>>& types);
  status add_piece(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows, std::uint32_t* numbers);
  result<const std::uint32_t*> add_all(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows);

  memory::counted_pool pool_;
  std::unique_ptr<arrow::compute::ExecContext> context_;
  std::unique_ptr<arrow::compute::Grouper> grouper_;  ///< null without keys
  std::shared_ptr<arrow::Array> ids_;                 ///< of the last call
  packed_keys frequent_;                              ///< in front of the Grouper, whose numbers it repeats
  std::vector<std::uint32_t> plain_ids_;
  bool any_row_ = false;
};

}  // namespace sluice
