#pragma once

#include "engine/component.hpp"
#include "engine/formats/files.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace sluice::ndjson {

/// All columns of a source, and which of their types the user wrote.
struct record_columns {
  std::shared_ptr<arrow::Schema> schema;
  std::set<std::string> given;
};

/// Reads `types:`; faults at their place.
record_columns read_types(const source_request& request, diagnostics& faults);

/// Infers the columns from head, middle and tail of every file (of the first hundred); those of `types` stand as given.
/// Faults: what the files do not let us read, and empty_source where neither records nor types say anything.
record_columns infer_columns(const source_request& request, const std::vector<input_file>& files, diagnostics& faults);

}  // namespace sluice::ndjson
