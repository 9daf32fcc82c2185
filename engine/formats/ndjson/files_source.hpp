#pragma once

#include "engine/component/source.hpp"
#include "engine/formats/ndjson/row_path.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::ndjson {

/// Makes a source of files of JSON for the component of that name: of lines, or of the rows of documents (`rows`).
/// Null if there are faults.
std::unique_ptr<source> make_files_source(const source_request& request, const std::string& component,
                                          std::vector<std::string> extensions, const std::optional<row_path>& rows,
                                          diagnostics& faults);

}  // namespace sluice::ndjson
