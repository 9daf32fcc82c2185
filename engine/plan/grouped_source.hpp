#pragma once

#include "engine/component/component.hpp"
#include "engine/plan/source_reading.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sluice {

/// A source whose files do not all have the same columns: a source for each group of files that have.
///
/// Splits keep the order of the files. Columns that a group lacks are null. The rows of a refused group are rejected
/// with `schema_drifted` and their record as JSON; its source gives whatever columns those files have.
std::unique_ptr<source> make_grouped_source(std::vector<std::unique_ptr<source>> inner, std::vector<file_group> groups,
                                            std::shared_ptr<const chosen_files> files,
                                            std::vector<std::uint32_t> group_of, std::shared_ptr<arrow::Schema> schema);

/// Fails the run (schema_changed) where the inner source rejects a record for a field that is no column. `reset` is
/// reset_command of the unit.
std::unique_ptr<source> make_frozen_source(std::unique_ptr<source> inner, std::string reset);

}  // namespace sluice
