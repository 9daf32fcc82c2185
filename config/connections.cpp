#include "config/connections.hpp"

#include "config/option_reader.hpp"
#include "engine/component/component.hpp"
#include "engine/component/connection_field.hpp"
#include "engine/error/not_yet.hpp"

#include <algorithm>
#include <cctype>

namespace sluice::config {

namespace {

bool is_connection_name(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; });
}

bool is_planned(const std::string& name) {
  for (const auto kind : {component_kind::source, component_kind::sink, component_kind::subscriber}) {
    const auto& planned = planned_components(kind);
    if (std::find(planned.begin(), planned.end(), name) != planned.end()) return true;
  }
  return false;
}

std::vector<std::string> names_of(const connection_specs& kinds) {
  std::vector<std::string> names;
  for (const auto& [name, spec] : kinds) names.push_back(name);
  return names;
}

/// The component's options for a value with or without a connection.
field_spec flattened(const field_spec& spec, const field_spec& connection, bool with_connection) {
  auto made = spec;
  std::vector<field_spec> shared = connection.elements;
  for (auto& field : shared)
    if (with_connection) {
      field.required = false;
      field.default_value = {};
    }
  for (auto& field : made.elements)
    if (field.name == connection.name) field.elements.clear();
  made.elements.insert(made.elements.begin(), shared.begin(), shared.end());
  return made;
}

}  // namespace

const connection_specs& connection_kinds() {
  static const connection_specs all = [] {
    connection_specs kinds;
    for (const auto* one : components())
      if (const auto* connection = connection_of(one->spec.value))
        kinds.emplace(one->spec.name, field_spec{.form = shape::object, .elements = connection->elements});
    return kinds;
  }();
  return all;
}

void connections::read(const reading& in, const node& section) {
  if (section.is_null() || section.broken) return;
  if (!section.is_map()) {
    in.fault(section, "invalid_value", "connections must be a map, found " + describe(section),
             "connections: { NAME: { COMPONENT: { ... } } }");
    return;
  }
  for (const auto& [name, value] : section.entries) {
    auto made = read_entry({in.source, in.faults, "connection " + name.text}, name, value);
    known_.emplace(name.text, made ? *std::move(made) : entry{});
  }
}

std::optional<connections::entry> connections::read_entry(const reading& in, const node& name,
                                                          const node& value) const {
  if (value.broken) return {};
  if (!is_connection_name(name.text)) {
    in.fault(name, "invalid_name", "a connection's name may contain letters, digits, _ and -",
             "units refer to it: connection: NAME");
    return {};
  }
  if (!value.is_map() || value.entries.size() != 1) {
    in.fault(value.is_null() ? name : value, "invalid_value",
             "a connection must be of one component, found " +
                 (value.is_map() ? std::to_string(value.entries.size()) + " keys" : describe(value)),
             name.text + ": { COMPONENT: { ... } }");
    return {};
  }
  const auto& [key, held] = value.entries.front();
  const auto found = kinds_.find(key.text);
  if (found == kinds_.end()) {
    if (is_planned(key.text))
      in.fault(key, "not_supported_yet", "the connection " + key.text + " is not supported yet",
               not_yet_hint(key.text));
    else
      in.fault(key, "unknown_component", "there is no component " + key.text + " that has connections",
               suggest(key.text, names_of(kinds_)));
    return {};
  }
  return entry{key.text, held.is_null() ? default_options(in, key, found->second, key.text)
                                        : read_options(in, held, found->second, key.text)};
}

const connections::entry* connections::find(const reading& in, const node& name, const std::string& component) const {
  const auto text = read_text(in, name, "connection of " + component);
  if (!text) return nullptr;
  const auto found = known_.find(*text);
  std::vector<std::string> usable;
  for (const auto& [each, held] : known_)
    if (held.component == component) usable.push_back(each);
  if (found == known_.end()) {
    in.fault(name, "unknown_connection", "there is no connection " + *text,
             usable.empty() ? "add it to the pipeline, or to the file of --config: connections: { " + *text + ": { " +
                                  component + ": { ... } } }"
                            : suggest(*text, usable));
    return nullptr;
  }
  if (!found->second.own) return nullptr;
  if (found->second.component != component) {
    in.fault(name, "wrong_connection",
             "the connection " + *text + " is of " + found->second.component + ", this unit needs one of " + component,
             usable.empty() ? "" : "connections of " + component + ": " + enumerate(usable));
    return nullptr;
  }
  return &found->second;
}

std::optional<options> connections::read_component(const reading& in, const node& value, const field_spec& spec,
                                                   const std::string& component) const {
  const auto* connection = connection_of(spec);
  if (connection == nullptr) return read_options(in, value, spec, component);
  const auto* name = value.is_map() ? value.find(connection->name) : nullptr;
  if (name == nullptr || name->is_null())
    return read_options(in, value, flattened(spec, *connection, false), component);
  const auto* found = find(in, *name, component);
  auto own = read_options(in, value, flattened(spec, *connection, true), component);
  if (found == nullptr || !own) return {};
  for (const auto& [key, held] : found->own->items()) {
    const auto* given = value.find(key);
    if (given == nullptr) {
      (*own)[key] = held;
      continue;
    }
    // Not a choice: half of a connection with another server or password is more often a mistake.
    in.fault(*given, "given_twice", key + " is given here and in the connection " + name->text,
             "remove it here, or do without connection:");
    return {};
  }
  return own;
}

}  // namespace sluice::config
