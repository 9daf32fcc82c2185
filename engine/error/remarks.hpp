#pragma once

#include "engine/error/error.hpp"

#include <string>

namespace sluice {

/// What a source says of its files while it is planned, although it can read them: that a column is text because of one
/// value, or that a file looks as if it were written in another way. Sources add remarks to the faults; planning tells
/// them apart and shows them as warnings.
bool is_remark(const error& fault);

/// Takes the remarks out of `faults`, from number `from` on, and gives them.
diagnostics take_remarks(diagnostics& faults, std::size_t from);
/// Makes one remark of those on columns with the same remedy, and of those that came twice.
diagnostics merged_remarks(const diagnostics& remarks);

/// Lets a type error that comes of a column in `remarks` name the line under `types:` that mends it instead of a cast:
/// a cast would fail the run at the very value that made the column text.
void name_types(diagnostics& faults, std::size_t from, const diagnostics& remarks);

}  // namespace sluice
