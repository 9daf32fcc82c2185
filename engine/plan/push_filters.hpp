#pragma once

#include "engine/plan/edges.hpp"

#include <optional>
#include <vector>

namespace sluice {

/// Gives a source the condition of a filter directly below it (a unit of its own, or the first of its steps), where
/// that unit is the only one that reads the source and the condition gives the same for a row wherever it is evaluated.
/// The filter stays as it is: it checks what the reader lets through, and the errors of the condition are its own.
void push_filters(draft& of, const run_context& context);

/// The unit whose filter a source evaluates, by its index; nothing where it has none.
std::optional<int> unit_of_filter(const plan& of, int source);

}  // namespace sluice
