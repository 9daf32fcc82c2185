#include "engine/operators/growing_rows.hpp"

#include <arrow/array.h>
#include <arrow/device.h>
#include <arrow/result.h>
#include <arrow/type.h>

namespace sluice {

growing_rows::growing_rows(std::shared_ptr<arrow::Schema> schema, const arrow::RecordBatch& first)
    : arrow::RecordBatch(std::move(schema), first.num_rows()), columns_(first.columns()) {
  columns_.reserve(static_cast<std::size_t>(schema_->num_fields()));
}

void growing_rows::put(int place, std::shared_ptr<arrow::Array> values) {
  if (static_cast<std::size_t>(place) < columns_.size())
    columns_[static_cast<std::size_t>(place)] = std::move(values);
  else
    columns_.push_back(std::move(values));
}

std::shared_ptr<arrow::RecordBatch> growing_rows::plain() const {
  auto fields = schema_->fields();
  fields.resize(columns_.size());
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), num_rows(), columns_);
}

const arrow::ArrayDataVector& growing_rows::column_data() const {
  data_.clear();
  for (const auto& column : columns_) data_.push_back(column->data());
  return data_;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> growing_rows::AddColumn(
    int i, const std::shared_ptr<arrow::Field>& field, const std::shared_ptr<arrow::Array>& of) const {
  return plain()->AddColumn(i, field, of);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> growing_rows::SetColumn(
    int i, const std::shared_ptr<arrow::Field>& field, const std::shared_ptr<arrow::Array>& of) const {
  return plain()->SetColumn(i, field, of);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> growing_rows::RemoveColumn(int i) const {
  return plain()->RemoveColumn(i);
}

std::shared_ptr<arrow::RecordBatch> growing_rows::ReplaceSchemaMetadata(
    const std::shared_ptr<const arrow::KeyValueMetadata>& metadata) const {
  return plain()->ReplaceSchemaMetadata(metadata);
}

std::shared_ptr<arrow::RecordBatch> growing_rows::Slice(std::int64_t offset, std::int64_t length) const {
  return plain()->Slice(offset, length);
}

const std::shared_ptr<arrow::Device::SyncEvent>& growing_rows::GetSyncEvent() const {
  static const std::shared_ptr<arrow::Device::SyncEvent> none;
  return none;
}

}  // namespace sluice
