#pragma once

#include "engine/component/spec.hpp"

#include <utility>
#include <vector>

namespace sluice {

/// The option by which a component takes `fields` from an entry of `connections:`. The fields are its elements: they
/// may stand in the component itself or in the connection, never in both. config puts them into the component's
/// options, so that it sees them as if they had been given to it, and the unit's `retry:` beside them (see retry_of).
inline field_spec connection_field(std::vector<field_spec> fields) {
  return {.name = "connection",
          .form = shape::text,
          .help = "name of an entry of `connections:` that has the options for connecting",
          .elements = std::move(fields)};
}

/// That option of a component's options, or null.
inline const field_spec* connection_of(const field_spec& value) {
  if (value.form != shape::object) return nullptr;
  for (const auto& field : value.elements)
    if (field.name == "connection" && field.form == shape::text && !field.elements.empty()) return &field;
  return nullptr;
}

/// Whether units with such a connection connect again by themselves, as `retry:` says: not those of a file.
inline bool connects_again(const field_spec& connection) {
  for (const auto& field : connection.elements)
    if (field.name == "path") return false;
  return true;
}

}  // namespace sluice
