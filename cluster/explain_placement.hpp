#pragma once

#include "cluster/placement.hpp"
#include "engine/component/options.hpp"

#include <string>

namespace sluice::cluster {

/// Adds to a plan as explain_json shows it where it would run: for each unit `nodes`, one an instance, and for each
/// edge `channels`, and how many of them go from node to node (`remote`).
void add_placement(options& explained, const plan& of, const placed_plan& where);

/// The same in words, for `sluice explain --to`.
std::string placement_text(const options& explained);

}  // namespace sluice::cluster
