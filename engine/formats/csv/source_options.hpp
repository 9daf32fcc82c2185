#pragma once

#include "engine/component/component.hpp"
#include "engine/formats/csv/layout.hpp"

namespace sluice::csv {

/// Reads separator, quote, escape, header, null_values, comment, skip_rows and encoding. Faults carry /csv/... paths.
file_rules read_file_rules(const options& own, diagnostics& faults);

}  // namespace sluice::csv
