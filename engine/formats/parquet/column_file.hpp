#pragma once

#include "engine/formats/parquet/column_encoder.hpp"
#include "engine/formats/parquet/encoding_threads.hpp"
#include "engine/formats/parquet/row_writer.hpp"

#include <parquet/metadata.h>
#include <parquet/page_index.h>
#include <parquet/schema.h>

#include <mutex>
#include <optional>

namespace sluice::parquet_writing {

/// Encodes the columns of a row group beside each other and writes them one after the other when it is complete.
///
/// Rows are gathered into stripes of some MiB; each column of a stripe is a job. While one stripe is encoded, the next
/// is gathered.
class column_file : public row_writer {
 public:
  /// Null where a column of the schema has no encoder.
  static result<std::unique_ptr<column_file>> make(std::shared_ptr<arrow::Schema> schema, file_rules rules,
                                                   file_target_stream& to);

  ~column_file() override;

  status open() override;
  status write(const batch& rows, bool hurry) override;
  status close() override;
  status settle() override;
  status end_row_group() override;
  [[nodiscard]] std::int64_t held() const override;

 private:
  using stripe = std::vector<std::shared_ptr<arrow::RecordBatch>>;

  column_file(std::shared_ptr<arrow::Schema> schema, file_rules rules, file_target_stream& to);

  void encode_column(const stripe& rows, std::size_t column, page_scratch& scratch, bool cut);
  void finish_column(std::size_t column, page_scratch& scratch);
  /// Runs a job for each column, on the threads once there are any.
  void for_each_column(const std::function<void(std::size_t column, page_scratch& scratch)>& job, bool on_threads);
  enum class then { go_on, cut_page, end };
  status flush_stripe(then what);
  status write_row_group();
  void write_column(std::size_t column, ::parquet::RowGroupMetaDataBuilder& group, std::int64_t& total);
  void fail(error why);
  status failure();
  status guarded(const char* doing, const std::function<void()>& call);

  std::shared_ptr<arrow::Schema> schema_;
  file_rules rules_;
  file_target_stream& to_;
  std::shared_ptr<arrow::io::OutputStream> stream_;  ///< the same, not owned
  std::shared_ptr<::parquet::SchemaDescriptor> columns_;
  std::unique_ptr<::parquet::FileMetaDataBuilder> metadata_;
  std::unique_ptr<::parquet::PageIndexBuilder> index_;
  std::vector<std::unique_ptr<column_encoder>> encoders_;
  std::vector<encoded_chunk> chunks_;  ///< of the row group that is being written
  page_scratch scratch_;               ///< without threads
  stripe gathered_;
  std::int64_t gathered_bytes_ = 0;
  std::int64_t stripe_bytes_ = 0;  ///< of the stripe that is being encoded
  std::int64_t group_rows_ = 0;
  std::int64_t group_bytes_ = 0;  ///< decoded
  int groups_ = 0;
  std::mutex failure_lock_;
  std::optional<error> failure_;
  /// Made with the first full stripe, if they are not shared; ends before what its jobs use.
  std::shared_ptr<encoding_threads> threads_;
};

}  // namespace sluice::parquet_writing
