#pragma once

#include "engine/component/spec.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// "source", "transform", ...
std::string kind_name(component_kind kind);
/// A field's form in words: "text", "list of column", "one of text, map".
std::string form_text(const field_spec& field);
/// What a sink promises, in words; empty for none.
std::string_view delivery_text(delivery promise);
/// The fields that stand behind the component's name: those of an object, also where it is one of several forms.
std::vector<field_spec> own_fields(const field_spec& value);
/// A component's whole description, as `sluice components --json` and the HTTP API show it.
options spec_json(const component_spec& spec);

}  // namespace sluice
