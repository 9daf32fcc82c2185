#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

namespace parquet::arrow {
class FileReader;
}

namespace sluice {

/// Checks times that are stored as INT96, which count nanoseconds: as microseconds (the language's unit) they must lose
/// nothing. Reads these columns a second time in nanoseconds, beside the reader whose rows it is shown.
class int96_check {
 public:
  /// `nanoseconds`: the file opened so that INT96 come in that unit; outlives this object.
  int96_check(parquet::arrow::FileReader& nanoseconds, std::string file);
  ~int96_check();

  /// The row groups and leaves that the other reader reads from here on.
  status start(const std::vector<int>& groups, const std::vector<int>& leaves);
  /// The next rows of the other reader. Fails (value_out_of_range) at a time with a part of a microsecond; times
  /// outside the years 1677 to 2262, which nanoseconds can't count, are not looked at.
  status check(const arrow::RecordBatch& microseconds);

 private:
  parquet::arrow::FileReader& file_;
  std::string name_;
  std::unique_ptr<arrow::RecordBatchReader> reader_;  ///< null where no column is INT96
};

}  // namespace sluice
