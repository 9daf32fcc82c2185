#pragma once

#include "engine/component/component.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice {

/// Makes a source of files with `make`, and adds the columns that the names of its files' folders give (day=2024-05-01)
/// and that the records lack: partition_columns says which, behind those of the records, or where `columns:` names
/// them. The source is as `make` gives it where the folders give none. Faults: different_columns; those of types that
/// are given to such columns. Their fields are marked, so that a plan remembers which they are.
std::unique_ptr<source> make_with_folder_columns(
    const source_request& request, const std::string& component, std::vector<std::string> extensions,
    const std::string& encoding, diagnostics& faults,
    const std::function<std::unique_ptr<source>(const source_request&, diagnostics&)>& make);

/// The same columns without those marks.
std::shared_ptr<arrow::Schema> without_folder_marks(const std::shared_ptr<arrow::Schema>& schema);

}  // namespace sluice
