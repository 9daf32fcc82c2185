#pragma once

#include "engine/component.hpp"
#include "engine/formats/files.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// Finds the files of a source; faults stand at the option of `component` that they concern, "/csv/path".
std::optional<std::vector<input_file>> list_files(const file_search& search, const std::string& component,
                                                  diagnostics& faults);

/// Finds the file of a split among those that a source has listed, which must outlive what is given.
result<const input_file*> listed_file(const std::vector<input_file>& files, const split& piece);

}  // namespace sluice
