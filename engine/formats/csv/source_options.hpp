#pragma once

#include "engine/component/component.hpp"
#include "engine/formats/csv/columns.hpp"
#include "engine/formats/csv/layout.hpp"

#include <map>
#include <string>

namespace sluice::csv {

/// Reads separator, quote, escape, header, null_values, comment, skip_rows and encoding. Faults carry /csv/... paths.
file_rules read_file_rules(const options& own, diagnostics& faults);

/// Reads `types:`: an SQL type, or a map { type, formats, decimal, thousands }. Faults carry /types/... paths.
std::map<std::string, column_plan> read_types(const options& types, diagnostics& faults);

}  // namespace sluice::csv
