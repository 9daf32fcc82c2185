#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <optional>
#include <string>

namespace sluice::app {

/// A bare data file, as `preview` takes it, and the source that reads it.
struct data_file {
  std::string path;
  std::string component;              ///< csv, ndjson, parquet or ipc
  options own = options::object();    ///< more options of the component
  options types = options::object();  ///< that inference would not find
  std::string name;                   ///< a unit name made from the file's
};

/// What the command line says of a data file.
struct data_options {
  std::string format;  ///< a component; empty: what the name or the first bytes say
  std::string separator;
  std::string quote;
  std::string encoding;
  std::int64_t skip_rows = -1;  ///< -1: not given
  bool no_header = false;

  [[nodiscard]] bool any() const {
    return !format.empty() || !separator.empty() || !quote.empty() || !encoding.empty() || skip_rows >= 0 || no_header;
  }
};

/// Knows a data file by its name, else by its first bytes ("-" is standard input), and finds out how a CSV file is
/// written. None for pipelines. Errors: file_not_found and the like, foreign_file.
result<std::optional<data_file>> recognise_data_file(const std::string& path, const data_options& given);
/// A pipeline that reads it and drops the rows.
std::string reading_pipeline(const data_file& file);
/// A pipeline to begin with: types as they were inferred, a Parquet file as the target.
std::string skeleton_pipeline(const data_file& file, const arrow::Schema& schema);

}  // namespace sluice::app
