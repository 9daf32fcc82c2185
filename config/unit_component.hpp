#pragma once

#include "config/connections.hpp"
#include "config/reading.hpp"
#include "engine/component/component.hpp"
#include "engine/plan/pipeline.hpp"

namespace sluice::config {

/// The component that a unit names, with its key and value; `key` null where it names none, `found` null for `steps`.
struct chosen_component {
  const node* key = nullptr;
  const node* value = nullptr;
  const component* found = nullptr;
};

/// Finds the one component among the keys of a unit; reports none, a second one and keys that nothing knows.
chosen_component choose_component(const reading& in, const node& name, const node& value, unit_role role);

/// Reads the component's options, or the list of `steps`, in which one with faults has no options. False where nothing
/// can be made of them.
bool read_component(const reading& in, const chosen_component& by, const connections& known, unit_definition& unit);

/// Checks a sink's mode and key against the modes that its component has; its first mode is the default.
void check_sink(const reading& in, const node& name, const node& value, const component& by, unit_definition& unit);

}  // namespace sluice::config
