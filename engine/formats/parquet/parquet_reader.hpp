#pragma once

#include "engine/columns/row_filter.hpp"
#include "engine/component/component.hpp"
#include "engine/files/columnar_files.hpp"
#include "engine/files/files.hpp"
#include "engine/formats/parquet/encryption.hpp"

#include <arrow/type_fwd.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace parquet {
class FileMetaData;
namespace arrow {
class FileReader;
}
}  // namespace parquet

namespace sluice {

/// Opens a file; its metadata are read unless they are given. INT96 times come in the given unit: microseconds reach
/// over all years, nanoseconds from 1677 to 2262 (others wrap around). Parquet's exceptions end here.
result<std::unique_ptr<parquet::arrow::FileReader>> open_parquet(const input_file& file,
                                                                 std::shared_ptr<parquet::FileMetaData> known,
                                                                 arrow::TimeUnit::type int96 = arrow::TimeUnit::MICRO,
                                                                 const parquet_encryption::key_ring& keys = {});

/// Keeps what is known of a file: its metadata are read once, not for each split.
class parquet_footers {
 public:
  /// `keys`: of encrypted files, whose metadata are read each time.
  explicit parquet_footers(parquet_encryption::key_ring keys = {}) : keys_(std::move(keys)) {}
  result<std::unique_ptr<parquet::arrow::FileReader>> open(const input_file& file,
                                                           arrow::TimeUnit::type int96 = arrow::TimeUnit::MICRO);

 private:
  parquet_encryption::key_ring keys_;
  std::mutex lock_;
  std::map<std::string, std::shared_ptr<parquet::FileMetaData>> footers_;
};

/// True where a column holds times as INT96.
bool has_int96(const parquet::arrow::FileReader& file);

/// Reads the row groups of a split but those that hold no row which passes the filter; `filter` may be null.
/// `nanoseconds` is the same file with INT96 in nanoseconds, by which their last three digits are checked; null where
/// the file has none. A position that is not empty is that of an earlier reader's step.
result<std::unique_ptr<split_reader>> read_parquet(std::shared_ptr<const columnar_table> what, const split& piece,
                                                   std::unique_ptr<parquet::arrow::FileReader> file,
                                                   std::unique_ptr<parquet::arrow::FileReader> nanoseconds,
                                                   std::shared_ptr<const row_filter> filter,
                                                   const std::string& position);

}  // namespace sluice
