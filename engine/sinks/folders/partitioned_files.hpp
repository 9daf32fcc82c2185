#pragma once

#include "engine/sinks/folders/folder_sink.hpp"
#include "engine/sinks/folders/part_names.hpp"
#include "engine/sinks/folders/partition_folder.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace sluice::folders {

/// How large files become.
struct file_limits {
  std::optional<std::int64_t> rows;
  std::optional<std::int64_t> bytes;
};

/// The sink of make_folder where it has options of its own.
std::unique_ptr<sink> make_partitioned_files(const sink_request& request, std::string component, part_names names,
                                             partition_columns by, file_limits limits, file_sink_maker make_file);

/// The request of one file of the folder, with the columns that are in the files.
sink_request request_of_file(sink_request request, const std::string& path, const partition_columns& by);

}  // namespace sluice::folders
