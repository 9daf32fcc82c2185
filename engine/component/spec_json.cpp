#include "engine/component/spec_json.hpp"

#include "engine/component/connection_field.hpp"

#include "engine/component/connection_field.hpp"

#include <array>

namespace sluice {

namespace {

constexpr std::array shape_names = {"true or false", "integer", "number", "text", "expression", "column", "type",
                                    "duration",      "size",    "list",   "map",  "object",     "one of"};

options field_json(const field_spec& field) {
  options out = options::object();
  if (!field.name.empty()) out["name"] = field.name;
  out["form"] = form_text(field);
  if (!field.help.empty()) out["help"] = field.help;
  if (field.required) out["required"] = true;
  if (!field.default_value.is_null()) out["default"] = field.default_value;
  if (!field.choices.empty()) out["choices"] = field.choices;
  if (field.form == shape::object || field.form == shape::one_of)
    for (const auto& each : field.elements)
      out[field.form == shape::object ? "fields" : "alternatives"].push_back(field_json(each));
  return out;
}

}  // namespace

std::string kind_name(component_kind kind) {
  switch (kind) {
    case component_kind::source:
      return "source";
    case component_kind::transform:
      return "transform";
    case component_kind::sink:
      return "sink";
    case component_kind::subscriber:
      return "subscriber";
  }
  return {};
}

std::string_view delivery_text(delivery promise) {
  switch (promise) {
    case delivery::none:
      return {};
    case delivery::transactional:
      return "transactional: all rows of a run become visible at once, or none";
    case delivery::idempotent:
      return "idempotent: loading again gives the same rows";
    case delivery::at_least_once:
      return "at least once; each row has a stable id";
  }
  return {};
}

std::string form_text(const field_spec& field) {
  std::string text = shape_names.at(static_cast<std::size_t>(field.form));
  if ((field.form == shape::list || field.form == shape::map) && !field.elements.empty())
    return text + " of " + form_text(field.elements.front());
  if (field.form != shape::one_of) return text;
  text.clear();
  for (const auto& each : field.elements) {
    const auto form = form_text(each);
    if (text.find(form) == std::string::npos) text += (text.empty() ? "" : " or ") + form;
  }
  return text;
}

std::vector<field_spec> own_fields(const field_spec& value) {
  if (const auto* connection = connection_of(value)) {
    auto all = connection->elements;
    for (auto& field : all) field.help += (field.help.empty() ? "" : "; ") + std::string("may be in a connection");
    all.insert(all.end(), value.elements.begin(), value.elements.end());
    return all;
  }
  if (value.form != shape::one_of) return value.elements;
  for (const auto& form : value.elements)
    if (form.form == shape::object) return form.elements;
  return value.elements;
}

options spec_json(const component_spec& spec) {
  options out = {{"name", spec.name}, {"kind", kind_name(spec.kind)}, {"summary", spec.summary}};
  if (!spec.description.empty()) out["description"] = spec.description;
  out["options"] = options::array();
  for (const auto& field : own_fields(spec.value)) out["options"].push_back(field_json(field));
  if (!spec.law.empty()) out["law"] = spec.law;
  if (!spec.modes.empty()) out["modes"] = spec.modes;
  if (const auto promise = delivery_text(spec.promise); !promise.empty())
    out["delivery"] = std::string(promise.substr(0, promise.find_first_of(":,")));
  if (spec.kind == component_kind::source) {
    out["bounded"] = spec.bounded;
    out["replayable"] = spec.replayable;
  }
  if (spec.kind != component_kind::transform)
    out["runs"] = spec.runs == locality::anywhere ? "anywhere" : "where_submitted";
  if (!spec.example.empty()) out["example"] = spec.example;
  return out;
}

}  // namespace sluice
