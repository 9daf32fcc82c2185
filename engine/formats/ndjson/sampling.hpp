#pragma once

#include "engine/columns/typed/column_plan.hpp"
#include "engine/component/component.hpp"
#include "engine/files/files.hpp"
#include "engine/formats/ndjson/row_path.hpp"

#include <arrow/type_fwd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::ndjson {

/// All columns of a source, and which of their types the user wrote.
struct record_columns {
  std::shared_ptr<arrow::Schema> schema;
  std::map<std::string, typed::column_plan> given;  ///< with formats, decimal sign and thousands separator
};

/// Reads `types:`; faults at their place.
record_columns read_types(const source_request& request, diagnostics& faults);

/// Infers the columns from head, middle and tail of every file (of the first hundred); those of `types` stand as given.
/// Faults: what the files do not let us read, and empty_source where neither records nor types say anything.
/// Of documents (`rows`), only heads are looked at: the way to what is behind them has to be read.
record_columns infer_columns(const source_request& request, const std::vector<input_file>& files,
                             const std::optional<row_path>& rows, diagnostics& faults);

/// How many records inference looked at: it looks again, since only a rare message wants to know. 0 where it can't.
std::int64_t count_sampled(const std::vector<input_file>& files, std::optional<std::int64_t> sampled,
                           const std::optional<row_path>& rows);

}  // namespace sluice::ndjson
