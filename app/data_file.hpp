#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <optional>
#include <string>

namespace sluice::app {

/// A bare data file, as `preview` takes it: the source that reads it, known by its extension.
struct data_file {
  std::string path;
  std::string component;  ///< csv, ndjson, parquet or ipc
  std::string own;        ///< more options of the component, as YAML (", separator: ...")
  std::string name;       ///< a unit name made from the file's
};

/// Knows data files by their extension (compressed ones too); none for pipelines and what is unknown.
std::optional<data_file> recognise_data_file(const std::string& path);
/// A pipeline that reads it and drops the rows.
std::string reading_pipeline(const data_file& file);
/// A pipeline to begin with: types as they were inferred, a Parquet file as the target.
std::string skeleton_pipeline(const data_file& file, const arrow::Schema& schema);

}  // namespace sluice::app
