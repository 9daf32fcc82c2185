#pragma once

#include "engine/error.hpp"
#include "engine/transforms/group_index.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sluice::joins {

/// The rows of a join's last input: columns, and for each distinct key the rows that have it.
class build_side {
 public:
  /// `schema`: the columns that go into the output; `key_types`: as canonical_key_type gives them.
  static result<std::unique_ptr<build_side>> make(std::shared_ptr<arrow::Schema> schema,
                                                  const std::vector<std::shared_ptr<arrow::DataType>>& key_types);

  /// Takes rows in. `has_null`: rows whose key has a null and so match nothing; they are not kept.
  status add(const arrow::RecordBatch& rows, const std::vector<std::shared_ptr<arrow::Array>>& keys,
             const std::vector<bool>& has_null);
  /// Prepares for lookups, one piece of work a call; false when it is done.
  result<bool> prepare();

  /// Key number of each row of a probe, or group_index::missing. Valid until the next call.
  result<const std::uint32_t*> find(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows) {
    return index_->find(keys, rows);
  }
  /// The rows that have a key, in the order in which they came.
  [[nodiscard]] std::span<const std::int64_t> rows_of(std::uint32_t key) const {
    return {rows_.data() + starts_[key], static_cast<std::size_t>(starts_[key + 1] - starts_[key])};
  }
  [[nodiscard]] bool empty() const { return keys_of_rows_.empty(); }
  /// Columns at these rows (Int64, null: a row of nulls).
  result<std::vector<std::shared_ptr<arrow::Array>>> take(const arrow::Array& rows) const;
  [[nodiscard]] std::int64_t bytes() const;

 private:
  explicit build_side(std::shared_ptr<arrow::Schema> schema) : schema_(std::move(schema)) {}
  void link_rows();

  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<group_index> index_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> chunks_;
  std::int64_t chunk_bytes_ = 0;
  std::vector<std::uint32_t> keys_of_rows_;
  bool linked_ = false;
  std::vector<std::int64_t> starts_;  ///< of each key's rows in rows_; one more at the end
  std::vector<std::int64_t> rows_;
  std::vector<std::shared_ptr<arrow::Array>> columns_;  ///< all chunks put together
};

}  // namespace sluice::joins
