#include "engine/transforms/picked_rows.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <algorithm>

namespace sluice {

namespace {

const auto no_check = arrow::compute::TakeOptions::NoBoundsCheck();

constexpr std::int64_t spare_rows = 256 * 1024;

}  // namespace

status picked_rows::put(const arrow::RecordBatch& from, std::span<const std::uint32_t> groups,
                        std::span<const std::int32_t> rows, std::size_t group_count) {
  row_of_.resize(group_count, -1);
  if (groups.empty()) return {};
  for (std::size_t i = 0; i < groups.size(); ++i) row_of_[groups[i]] = stored_ + static_cast<std::int64_t>(i);
  const arrow::Int32Array indices(static_cast<std::int64_t>(rows.size()),
                                  arrow::Buffer::Wrap(rows.data(), rows.size()));
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (int column = 0; column < from.num_columns(); ++column) {
    SLUICE_ASSIGN_ARROW(auto taken, arrow::compute::Take(*from.column(column), indices, no_check), "keep rows");
    columns.push_back(std::move(taken));
  }
  chunks_.push_back(arrow::RecordBatch::Make(schema_, indices.length(), std::move(columns)));
  starts_.push_back(stored_);
  stored_ += indices.length();
  stored_bytes_ += arrow::util::TotalBufferSize(*chunks_.back());
  if (stored_ > 2 * static_cast<std::int64_t>(group_count) + spare_rows) SLUICE_TRY(merge_chunks());
  return {};
}

status picked_rows::merge_chunks() {
  std::vector<std::int64_t> live;
  for (auto& row : row_of_) {
    if (row < 0) continue;
    live.push_back(row);
    row = static_cast<std::int64_t>(live.size()) - 1;
  }
  const arrow::Int64Array indices(static_cast<std::int64_t>(live.size()), arrow::Buffer::Wrap(live));
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (int column = 0; column < schema_->num_fields(); ++column) {
    arrow::ArrayVector parts;
    for (const auto& chunk : chunks_) parts.push_back(chunk->column(column));
    SLUICE_ASSIGN_ARROW(const auto whole, arrow::Concatenate(parts), "keep rows");
    SLUICE_ASSIGN_ARROW(auto taken, arrow::compute::Take(*whole, indices, no_check), "keep rows");
    columns.push_back(std::move(taken));
  }
  chunks_ = {arrow::RecordBatch::Make(schema_, indices.length(), std::move(columns))};
  starts_ = {0};
  stored_ = indices.length();
  stored_bytes_ = arrow::util::TotalBufferSize(*chunks_.back());
  return {};
}

result<std::shared_ptr<arrow::RecordBatch>> picked_rows::take(std::span<const std::uint32_t> groups) {
  if (chunks_.size() > 1) SLUICE_TRY(merge_chunks());
  arrow::Int64Builder indices;
  SLUICE_TRY_ARROW(indices.Reserve(static_cast<std::int64_t>(groups.size())), "read rows");
  for (const auto group : groups) {
    const auto row = group < row_of_.size() ? row_of_[group] : -1;
    if (row < 0) {
      indices.UnsafeAppendNull();
    } else {
      indices.UnsafeAppend(row);
    }
  }
  SLUICE_ASSIGN_ARROW(const auto rows, indices.Finish(), "read rows");
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (int column = 0; column < schema_->num_fields(); ++column) {
    if (chunks_.empty()) {
      SLUICE_ASSIGN_ARROW(auto nulls, arrow::MakeArrayOfNull(schema_->field(column)->type(), rows->length()),
                          "read rows");
      columns.push_back(std::move(nulls));
    } else {
      SLUICE_ASSIGN_ARROW(auto taken, arrow::compute::Take(*chunks_.front()->column(column), *rows, no_check),
                          "read rows");
      columns.push_back(std::move(taken));
    }
  }
  return arrow::RecordBatch::Make(schema_, rows->length(), std::move(columns));
}

std::int64_t picked_rows::bytes() const { return stored_bytes_ + static_cast<std::int64_t>(row_of_.capacity() * 8); }

}  // namespace sluice
