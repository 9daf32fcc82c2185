#include "engine/operators/keys/key_hash.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice::flow {

namespace {

result<std::vector<std::shared_ptr<arrow::Array>>> key_columns(
    const batch& in, const std::vector<std::string>& keys,
    const std::vector<std::shared_ptr<arrow::DataType>>& key_types) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto column = in.data->GetColumnByName(keys[i]);
    if (!column)
      return internal_error("unknown_column",
                            "an edge is partitioned by " + keys[i] + ", but its rows have no such column");
    if (i < key_types.size() && key_types[i] && !column->type()->Equals(*key_types[i])) {
      SLUICE_ASSIGN_ARROW(column, arrow::compute::Cast(*column, key_types[i]), "cast the key " + keys[i]);
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace

result<std::vector<batch>> partition_by_keys(const batch& in, const std::vector<std::string>& keys,
                                             const std::vector<std::shared_ptr<arrow::DataType>>& key_types,
                                             std::uint32_t instances) {
  if (instances == 1) return std::vector<batch>{in};
  SLUICE_ASSIGN(const auto columns, key_columns(in, keys, key_types));
  SLUICE_ASSIGN(const auto hashes, hash_keys(columns, in.rows()));
  std::vector<std::vector<std::int32_t>> rows(instances);
  for (auto& part : rows) part.reserve(hashes.size() / instances + 64);
  for (std::size_t row = 0; row < hashes.size(); ++row)
    rows[instance_of(group_of(hashes[row]), instances)].push_back(static_cast<std::int32_t>(row));
  std::vector<batch> parts;
  parts.reserve(instances);
  for (const auto& part : rows) {
    if (part.size() == hashes.size()) {
      parts.push_back(in);
    } else if (part.empty()) {
      parts.push_back(in.slice(0, 0));
    } else {
      parts.push_back(
          take_rows(in, arrow::Int32Array(static_cast<std::int64_t>(part.size()), arrow::Buffer::Wrap(part))));
    }
  }
  return parts;
}

}  // namespace sluice::flow
