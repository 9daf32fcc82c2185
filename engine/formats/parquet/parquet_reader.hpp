#pragma once

#include "engine/columns/row_filter.hpp"
#include "engine/component/component.hpp"
#include "engine/files/columnar_files.hpp"
#include "engine/files/files.hpp"

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

/// Opens a file; its metadata are read unless they are given. Parquet's exceptions end here.
result<std::unique_ptr<parquet::arrow::FileReader>> open_parquet(const input_file& file,
                                                                 std::shared_ptr<parquet::FileMetaData> known);

/// Keeps what is known of a file: its metadata are read once, not for each split.
class parquet_footers {
 public:
  result<std::unique_ptr<parquet::arrow::FileReader>> open(const input_file& file);

 private:
  std::mutex lock_;
  std::map<std::string, std::shared_ptr<parquet::FileMetaData>> footers_;
};

/// Reads the row groups of a split but those that hold no row which passes the filter; `filter` may be null.
result<std::unique_ptr<split_reader>> read_parquet(std::shared_ptr<const columnar_table> what, const split& piece,
                                                   std::unique_ptr<parquet::arrow::FileReader> file,
                                                   std::shared_ptr<const row_filter> filter);

}  // namespace sluice
