#include "engine/formats/parquet/arrow_file.hpp"

#include "engine/columns/file_types.hpp"

#include <arrow/api.h>
#include <parquet/arrow/writer.h>
#include <parquet/file_writer.h>
#include <parquet/metadata.h>

#include <utility>

namespace sluice::parquet_writing {

namespace {

/// Arrow's writer begins a file where nothing was written yet. Behind other rows it is told so, and the mark that it
/// writes first is left out; from then on it is told where it is.
class behind_others final : public arrow::io::OutputStream {
 public:
  explicit behind_others(file_target_stream& to) : to_(to) {}

  arrow::Status Write(const void* data, std::int64_t size) override {
    return std::exchange(begun_, true) ? to_.Write(data, size) : arrow::Status::OK();
  }
  using arrow::io::OutputStream::Write;
  arrow::Status Flush() override { return to_.Flush(); }
  arrow::Status Close() override { return arrow::Status::OK(); }
  [[nodiscard]] bool closed() const override { return false; }
  arrow::Result<std::int64_t> Tell() const override { return begun_ ? to_.Tell() : 0; }

 private:
  file_target_stream& to_;
  bool begun_ = false;
};

class arrow_file : public row_writer {
 public:
  arrow_file(std::shared_ptr<arrow::Schema> schema, file_rules rules, file_target_stream& to)
      : schema_(std::move(schema)), in_file_(file_schema(schema_)), rules_(std::move(rules)), to_(to) {}

  status open() override {
    // The Arrow schema goes into the file, so that unsigned and zoned types come back as they were.
    const auto columns = ::parquet::ArrowWriterProperties::Builder().store_schema()->build();
    // Arrow's writers look into the stream only as long as it lives; here it outlives them.
    std::shared_ptr<arrow::io::OutputStream> unowned(std::shared_ptr<void>(), &to_);
    if (rules_.before) unowned = std::make_shared<behind_others>(to_);
    auto made = ::parquet::arrow::FileWriter::Open(*in_file_, arrow::default_memory_pool(), unowned, rules_.properties,
                                                   columns);
    if (!made.ok()) return to_.explain(made.status(), doing);
    writer_ = std::move(made).ValueUnsafe();
    return {};
  }

  status write(const batch& rows, bool hurry) override {
    const auto size = rows.bytes();
    const bool large = hurry || bytes_ + size > rules_.encoded_bytes;
    if (large && rows_ >= rules_.smallest_row_group) SLUICE_TRY(checked(writer_->NewBufferedRowGroup()));
    if ((large && rows_ >= rules_.smallest_row_group) || rows_ >= rules_.row_group_rows) rows_ = bytes_ = 0;
    auto data = rows.data;
    if (in_file_ != schema_) {
      SLUICE_ASSIGN(data, file_rows(data, in_file_));
    }
    SLUICE_TRY(checked(writer_->WriteRecordBatch(*data)));
    // A batch that fills a row group goes on in the next one.
    rows_ = (rows_ + rows.rows() - 1) % rules_.row_group_rows + 1;
    bytes_ += size;
    return {};
  }

  /// Behind other rows Arrow's writer begins and ends as in a file of its own; the last footer is that of all.
  status close() override {
    SLUICE_TRY(checked(writer_->Close()));
    if (!rules_.before) return {};
    try {
      rules_.before->AppendRowGroups(*writer_->metadata());
      ::parquet::WriteFileMetaData(*rules_.before, &to_);
    } catch (const std::exception& thrown) {
      return to_.explain(arrow::Status::UnknownError(thrown.what()), doing);
    }
    return {};
  }
  status end_row_group() override {
    if (rows_ > 0) SLUICE_TRY(checked(writer_->NewBufferedRowGroup()));
    rows_ = bytes_ = 0;
    return {};
  }

  std::int64_t held() const override { return bytes_; }

 private:
  static constexpr const char* doing = "write the Parquet file";

  status checked(const arrow::Status& done) { return done.ok() ? status{} : status(to_.explain(done, doing)); }

  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::Schema> in_file_;  ///< file_schema of it
  file_rules rules_;
  file_target_stream& to_;
  std::unique_ptr<::parquet::arrow::FileWriter> writer_;
  std::int64_t rows_ = 0;   ///< of the row group
  std::int64_t bytes_ = 0;  ///< of its rows before they are encoded
};

}  // namespace

std::unique_ptr<row_writer> make_arrow_file(std::shared_ptr<arrow::Schema> schema, file_rules rules,
                                            file_target_stream& to) {
  return std::make_unique<arrow_file>(std::move(schema), std::move(rules), to);
}

}  // namespace sluice::parquet_writing
