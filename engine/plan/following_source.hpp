#pragma once

#include "engine/files/follow/followed_files.hpp"
#include "engine/plan/plan.hpp"

#include <functional>
#include <memory>

namespace sluice {

/// Makes the source of a unit that reads a piece of one file: `unit` with the piece as its only chosen file.
using make_piece = std::function<std::unique_ptr<source>(const planned_unit& unit, diagnostics& faults)>;

/// True where a unit has `follow: true`.
bool is_followed(const unit_definition& unit);
/// Reports what can't be had together with `follow: true`; true where there is nothing.
bool check_followed(const planned_unit& unit, diagnostics& faults);

/// Makes the source of a unit with `follow: true`: it reads the files piece by piece, each with a source of the same
/// component that ends. Columns are inferred from what is there, or taken from `types:`. Null if there are faults.
std::unique_ptr<source> make_following_source(const planned_unit& unit, const run_context& context, make_piece make,
                                              diagnostics& faults);

}  // namespace sluice
