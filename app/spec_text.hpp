#pragma once

#include "app/console.hpp"
#include "engine/component/spec_json.hpp"

#include <string>

namespace sluice::app {

/// The plural of a kind as a heading ("Sources").
std::string kind_heading(component_kind kind);

/// A component's whole description for a terminal.
std::string spec_text(const component_spec& spec, bool color, int width);

}  // namespace sluice::app
