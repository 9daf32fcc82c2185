#pragma once

#include "engine/plan/edges.hpp"

namespace sluice {

/// Messages have more fields than `types:` gives, which are ignored. One that a unit names behind the source's name
/// (`orders.customer`) is wanted all the same: its type is inferred from the first messages, and added to `types:`.
/// What can't be found out is left as it is, and is an unknown column then.
void add_named_fields(draft& of, std::size_t unit, const run_context& context);

}  // namespace sluice
