#pragma once

#include "engine/component/component.hpp"

#include <memory>

namespace sluice {

/// Which distinct rows of the first input come out: those that all others have too, or those that none of them has.
enum class set_operation { intersect, except };

/// Makes the transform `intersect` or `except`. Columns are matched by name and brought to the type that holds all of
/// their values; nulls are equal to each other, as in SQL.
std::unique_ptr<transform> make_set_operation(const transform_request& request, set_operation what,
                                              diagnostics& faults);

}  // namespace sluice
