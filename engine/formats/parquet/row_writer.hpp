#pragma once

#include "engine/error/error.hpp"
#include "engine/files/file_target_stream.hpp"
#include "engine/values/batch.hpp"

#include <arrow/type_fwd.h>
#include <parquet/type_fwd.h>

#include <memory>

namespace sluice::parquet_writing {

class encoding_threads;

}

namespace sluice::parquet_writing {

struct file_rules {
  std::shared_ptr<::parquet::WriterProperties> properties;
  /// Rows of a row group at most, and those from which on one ends early because of its bytes.
  std::int64_t row_group_rows = 0;
  std::int64_t smallest_row_group = 0;
  /// A row group ends early when it is this large in the file, or in the memory of who reads it.
  std::int64_t encoded_bytes = 0;
  std::int64_t decoded_bytes = 0;
  /// A dictionary's bytes, at most.
  std::int64_t dictionary_bytes = std::int64_t{1} << 20;
  /// What the file holds already, where rows are added behind it: the footer is written anew, of all of them.
  std::shared_ptr<::parquet::FileMetaData> before = nullptr;
  /// Those of all files that are open together; null: the file makes its own once it is large.
  std::shared_ptr<encoding_threads> threads = nullptr;
};

/// Writes rows as one Parquet file. Calls come one at a time and may block.
class row_writer {
 public:
  virtual ~row_writer() = default;
  virtual status open() = 0;
  /// `hurry` ends the row group as soon as it is large enough: memory is short.
  virtual status write(const batch& rows, bool hurry) = 0;
  virtual status close() = 0;
  /// Encodes what was written, so that only that is held: rows may be long in coming.
  virtual status settle() { return {}; }
  /// Ends the row group.
  virtual status end_row_group() = 0;
  /// Bytes of memory in use.
  [[nodiscard]] virtual std::int64_t held() const = 0;
};

/// True where all columns have encoders of our own.
bool can_encode(const arrow::Schema& schema, const ::parquet::WriterProperties& properties);

/// Makes a writer with our own encoders, which work on all cores; one of Arrow's where columns are nested or of types
/// without an encoder. The stream outlives it.
result<std::unique_ptr<row_writer>> make_row_writer(std::shared_ptr<arrow::Schema> schema, file_rules rules,
                                                    file_target_stream& to);

}  // namespace sluice::parquet_writing
