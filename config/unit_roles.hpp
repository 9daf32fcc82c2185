#pragma once

#include "config/not_supported_yet.hpp"
#include "engine/component/component.hpp"
#include "engine/plan/pipeline.hpp"

#include <string>
#include <vector>

namespace sluice::config {

/// What the units of a role hold.
component_kind kind_of(unit_role role);
/// "source", "transform" or "sink": what messages call it.
const char* word_for(unit_role role);
/// Where a form that is refused stands.
place_of_form place_of(unit_role role);

/// The keys that units of all roles know, and `defaults` too.
const std::vector<std::string>& shared_keys();
/// The keys that may stand beside the component of a unit.
std::vector<std::string> unit_keys(unit_role role);

}  // namespace sluice::config
