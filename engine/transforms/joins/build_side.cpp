#include "engine/transforms/joins/build_side.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <numeric>

namespace sluice::joins {

namespace {

const auto no_check = arrow::compute::TakeOptions::NoBoundsCheck();

}  // namespace

result<std::unique_ptr<build_side>> build_side::make(std::shared_ptr<arrow::Schema> schema,
                                                     const std::vector<std::shared_ptr<arrow::DataType>>& key_types) {
  std::unique_ptr<build_side> self(new build_side(std::move(schema)));
  SLUICE_ASSIGN(self->index_, group_index::make(key_types));
  return self;
}

status build_side::add(const arrow::RecordBatch& rows, const std::vector<std::shared_ptr<arrow::Array>>& keys,
                       const std::vector<bool>& has_null) {
  auto kept_keys = keys;
  auto columns = rows.columns();
  auto count = rows.num_rows();
  if (!has_null.empty()) {
    std::vector<std::int32_t> kept;
    for (std::int64_t row = 0; row < count; ++row)
      if (!has_null[static_cast<std::size_t>(row)]) kept.push_back(static_cast<std::int32_t>(row));
    count = static_cast<std::int64_t>(kept.size());
    const arrow::Int32Array indices(count, arrow::Buffer::Wrap(kept));
    for (auto* list : {&kept_keys, &columns})
      for (auto& column : *list) {
        SLUICE_ASSIGN_ARROW(column, arrow::compute::Take(*column, indices, no_check), "keep rows of a join");
      }
  }
  if (count == 0) return {};
  SLUICE_ASSIGN(const auto* numbers, index_->add(kept_keys, count));
  keys_of_rows_.insert(keys_of_rows_.end(), numbers, numbers + count);
  chunks_.push_back(arrow::RecordBatch::Make(schema_, count, std::move(columns)));
  chunk_bytes_ += arrow::util::ReferencedBufferSize(*chunks_.back()).ValueOr(0);
  return {};
}

void build_side::link_rows() {
  starts_.assign(index_->size() + 1, 0);
  for (const auto key : keys_of_rows_) ++starts_[key + 1];
  std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
  rows_.resize(keys_of_rows_.size());
  auto next = starts_;
  for (std::size_t row = 0; row < keys_of_rows_.size(); ++row)
    rows_[next[keys_of_rows_[row]]++] = static_cast<std::int64_t>(row);
}

result<bool> build_side::prepare() {
  if (!linked_) {
    link_rows();
    linked_ = true;
    return true;
  }
  const auto column = columns_.size();
  if (column == static_cast<std::size_t>(schema_->num_fields())) {
    chunks_.clear();
    return false;
  }
  arrow::ArrayVector parts;
  for (const auto& chunk : chunks_) parts.push_back(chunk->column(static_cast<int>(column)));
  if (parts.empty()) {
    SLUICE_ASSIGN_ARROW(auto none, arrow::MakeEmptyArray(schema_->field(static_cast<int>(column))->type()), "join");
    parts.push_back(std::move(none));
  }
  if (parts.size() > 1) {
    SLUICE_ASSIGN_ARROW(parts.front(), arrow::Concatenate(parts), "put the rows of a join together");
  }
  columns_.push_back(std::move(parts.front()));
  return true;
}

result<std::vector<std::shared_ptr<arrow::Array>>> build_side::take(const arrow::Array& rows) const {
  std::vector<std::shared_ptr<arrow::Array>> taken;
  taken.reserve(columns_.size());
  for (const auto& column : columns_) {
    if (column->length() == 0) {
      SLUICE_ASSIGN_ARROW(auto nulls, arrow::MakeArrayOfNull(column->type(), rows.length()), "join");
      taken.push_back(std::move(nulls));
      continue;
    }
    SLUICE_ASSIGN_ARROW(auto values, arrow::compute::Take(*column, rows, no_check), "take joined rows");
    taken.push_back(std::move(values));
  }
  return taken;
}

std::int64_t build_side::bytes() const {
  return index_->bytes() + chunk_bytes_ +
         static_cast<std::int64_t>(keys_of_rows_.capacity() * 4 + (starts_.capacity() + rows_.capacity()) * 8);
}

}  // namespace sluice::joins
