#pragma once

#include "app/console.hpp"
#include "engine/component/spec.hpp"

#include <string>

namespace sluice::app {

/// "source", "transform", ... and its plural as a heading ("Sources").
std::string kind_name(component_kind kind);
std::string kind_heading(component_kind kind);

/// A field's form in words: "text", "list of column", "one of text, map".
std::string form_text(const field_spec& field);
/// A component's whole description for a terminal.
std::string spec_text(const component_spec& spec, bool color, int width);
/// The same as JSON.
options spec_json(const component_spec& spec);

}  // namespace sluice::app
