#pragma once

#include <arrow/record_batch.h>

#include <memory>
#include <vector>

namespace sluice {

/// Rows whose columns come one after the other, so that each expression can read those before it without a batch of its
/// own: a thousand of them would copy a million pointers. Only for expressions that read columns by their place; its
/// schema names also those that are not there yet.
class growing_rows final : public arrow::RecordBatch {
 public:
  growing_rows(std::shared_ptr<arrow::Schema> schema, const arrow::RecordBatch& first);

  /// Replaces a column, or adds the one behind the last.
  void put(int place, std::shared_ptr<arrow::Array> values);

  using arrow::RecordBatch::AddColumn;
  using arrow::RecordBatch::Slice;
  const std::vector<std::shared_ptr<arrow::Array>>& columns() const override { return columns_; }
  std::shared_ptr<arrow::Array> column(int i) const override { return columns_[static_cast<std::size_t>(i)]; }
  std::shared_ptr<arrow::ArrayData> column_data(int i) const override { return column(i)->data(); }
  const arrow::ArrayDataVector& column_data() const override;
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> AddColumn(int i, const std::shared_ptr<arrow::Field>& field,
                                                               const std::shared_ptr<arrow::Array>& of) const override;
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> SetColumn(int i, const std::shared_ptr<arrow::Field>& field,
                                                               const std::shared_ptr<arrow::Array>& of) const override;
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> RemoveColumn(int i) const override;
  std::shared_ptr<arrow::RecordBatch> ReplaceSchemaMetadata(
      const std::shared_ptr<const arrow::KeyValueMetadata>& metadata) const override;
  std::shared_ptr<arrow::RecordBatch> Slice(std::int64_t offset, std::int64_t length) const override;
  const std::shared_ptr<arrow::Device::SyncEvent>& GetSyncEvent() const override;
  arrow::DeviceAllocationType device_type() const override { return arrow::DeviceAllocationType::kCPU; }

 private:
  /// The columns so far, as an ordinary batch.
  [[nodiscard]] std::shared_ptr<arrow::RecordBatch> plain() const;

  std::vector<std::shared_ptr<arrow::Array>> columns_;
  mutable arrow::ArrayDataVector data_;  ///< of the columns, once asked for
};

}  // namespace sluice
