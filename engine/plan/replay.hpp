#pragma once

#include "engine/plan/plan.hpp"

#include <map>
#include <string>

namespace sluice {

/// Where the records are that a unit of a run has rejected: a file with the records of one unit each, one a line.
using records_of_units = std::map<std::string, std::string>;

/// Cuts a pipeline down to what the rejects of one of its runs take when they are replayed: each record enters at the
/// unit that rejected it, and takes the way from there. `recorded`: the run's plan.
///
/// Only row by row: a unit that sees rows together (aggregate, sort, join ...) would see the replayed ones alone, and a
/// sink that replaces its target would lose the others. Errors: not_replayable, which names the unit and the reason.
status cut_for_replay(pipeline& what, const plan& recorded, const records_of_units& records);

}  // namespace sluice
