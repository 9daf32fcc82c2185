#include "config/json_schema.hpp"

#include "engine/component/component.hpp"

namespace sluice::config {

namespace {

/// An editor reads an unquoted 5 or true as a number or boolean; Sluice takes it as the text that it is.
const options text_types = {"string", "number", "boolean", "null"};

/// A value of a fixed kind may also be filled in: limit: ${n}.
options or_reference(options schema) {
  return {{"anyOf", options::array({std::move(schema), {{"type", "string"}, {"pattern", "\\$\\{"}}})}};
}

options schema_of(const field_spec& spec);

options schema_of_object(const field_spec& spec) {
  auto properties = options::object();
  auto required = options::array();
  for (const auto& field : spec.elements) {
    properties[field.name] = schema_of(field);
    if (field.required) required.push_back(field.name);
  }
  options schema = {{"type", required.empty() ? options({"object", "null"}) : options("object")},
                    {"properties", properties},
                    {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

options schema_of_shape(const field_spec& spec) {
  switch (spec.form) {
    case shape::boolean:
      return or_reference({{"type", "boolean"}});
    case shape::integer:
      return or_reference({{"type", "integer"}});
    case shape::number:
      return or_reference({{"type", "number"}});
    case shape::text:
      if (!spec.choices.empty()) return or_reference({{"enum", spec.choices}});
      [[fallthrough]];
    case shape::expression:
    case shape::column:
      return {{"type", text_types}};
    case shape::type:
      return {{"type", "string"}};
    case shape::duration:
      return or_reference({{"type", "string"}, {"pattern", "^[0-9.]+ *[a-z]+"}});
    case shape::size:
      return {{"type", {"string", "integer"}}};
    case shape::list: {
      if (spec.elements.empty()) return {{"type", "array"}};
      const auto element = schema_of(spec.elements.front());
      return {{"anyOf", options::array({{{"type", "array"}, {"items", element}}, element})}};
    }
    case shape::map: {
      options schema = {{"type", "object"}};
      if (!spec.elements.empty()) schema["additionalProperties"] = schema_of(spec.elements.front());
      return schema;
    }
    case shape::object:
      return schema_of_object(spec);
    case shape::one_of: {
      auto alternatives = options::array();
      for (const auto& alternative : spec.elements) alternatives.push_back(schema_of(alternative));
      return {{"anyOf", alternatives}};
    }
  }
  return options::object();
}

options schema_of(const field_spec& spec) {
  auto schema = schema_of_shape(spec);
  if (!spec.help.empty()) schema["description"] = spec.help;
  if (!spec.default_value.is_null()) schema["default"] = spec.default_value;
  return schema;
}

options described(options schema, const char* description) {
  schema["description"] = description;
  return schema;
}

options texts() {
  return {{"anyOf", options::array({{{"type", "string"}}, {{"type", "array"}, {"items", {{"type", "string"}}}}})}};
}

/// The keys that every unit shares.
options shared_keys() {
  const options labels = {{"type", "object"}, {"additionalProperties", {{"type", text_types}}}};
  return {{"description", described({{"type", "string"}}, "What the unit is for.")},
          {"on_error", described(or_reference({{"enum", {"reject", "set_null", "fail"}}}),
                                 "What to do with a row that has an error; sources reject, the others fail.")},
          {"parallelism", described(or_reference({{"type", "integer"}, {"minimum", 1}, {"maximum", 1024}}),
                                    "How many instances of the unit run.")},
          {"place", described({{"type", "object"},
                               {"properties", {{"node", {{"type", "string"}}}, {"labels", labels}}},
                               {"additionalProperties", false}},
                              "Where the unit runs: on a node, or on any node with all the labels.")}};
}

void add_source_keys(options& keys) {
  const options type = {{"anyOf", options::array({{{"type", "string"}},
                                                  {{"type", "object"},
                                                   {"properties",
                                                    {{"type", {{"type", "string"}}},
                                                     {"formats", texts()},
                                                     {"decimal", {{"type", "string"}}},
                                                     {"thousands", {{"type", "string"}}}}},
                                                   {"required", options::array({"type"})},
                                                   {"additionalProperties", false}}})}};
  keys["types"] =
      described({{"type", "object"}, {"additionalProperties", type}}, "SQL types of columns; others are inferred.");
  keys["columns"] = described(texts(), "Columns to read; others are left out.");
  keys["sample"] = described({{"type", "integer"}, {"minimum", 1}}, "Rows that types are inferred from.");
  keys["metadata"] = described({{"type", "object"}, {"additionalProperties", {{"enum", {"path", "row"}}}}},
                               "Columns that say where a row comes from: { _file: path, _row: row }.");
  keys["order"] = described({{"enum", {"keep", "any"}}}, "any: rows may be passed on in any order.");
  keys["contract"] = described({{"enum", {"evolve", "freeze", "discard", "quarantine"}}},
                               "What to do with columns that are new or lost since the last run.");
  keys["incremental"] = described({{"type", "object"},
                                   {"properties",
                                    {{"by", {{"enum", {"file", "column"}}}},
                                     {"column", {{"type", "string"}}},
                                     {"changed", {{"enum", {"fail", "read_again"}}}}}},
                                   {"additionalProperties", false}},
                                  "Takes only what earlier runs have not taken: new files, or rows above the highest "
                                  "value of a column.");
}

void add_sink_keys(options& keys) {
  keys["mode"] = described({{"type", "string"}}, "What happens to what the target holds already.");
  keys["key"] = described(texts(), "The columns that identify a row, for mode: upsert.");
  keys["overwrite_source"] = described(
      {{"type", "boolean"}}, "Whether the target may be a file that this run reads; it is replaced at the end.");
}

/// The schema of a unit: its keys and exactly one of the components of a kind.
options unit_schema(component_kind kind) {
  auto keys = shared_keys();
  if (kind != component_kind::source)
    keys["from"] = described(texts(), "The unit that is read: unit, unit.port, or a list.");
  if (kind == component_kind::source) add_source_keys(keys);
  if (kind == component_kind::sink) add_sink_keys(keys);
  auto one_of = options::array();
  for (const auto* one : components()) {
    if (one->spec.kind != kind || one->spec.name == "steps") continue;
    auto schema = schema_of(one->spec.value);
    schema["description"] = one->spec.summary;
    keys[one->spec.name] = std::move(schema);
    one_of.push_back({{"required", options::array({one->spec.name})}});
  }
  if (kind == component_kind::transform) {
    keys["steps"] = described({{"type", "array"}, {"items", {{"$ref", "#/$defs/step"}}}, {"minItems", 1}},
                              "Several operations in one unit, each counted by itself.");
    one_of.push_back({{"required", {"steps"}}});
  }
  options schema = {{"type", "object"}, {"properties", keys}, {"additionalProperties", false}};
  if (!one_of.empty()) schema["oneOf"] = one_of;
  if (kind != component_kind::source) schema["required"] = options::array({"from"});
  return schema;
}

options step_schema() {
  auto keys = options::object();
  for (const auto* one : components())
    if (one->spec.kind == component_kind::transform && one->spec.name != "steps") {
      keys[one->spec.name] = schema_of(one->spec.value);
      keys[one->spec.name]["description"] = one->spec.summary;
    }
  return {{"type", "object"},
          {"properties", keys},
          {"additionalProperties", false},
          {"minProperties", 1},
          {"maxProperties", 1}};
}

options units(const char* definition, const char* description) {
  return described({{"type", "object"},
                    {"propertyNames", {{"pattern", "^[A-Za-z_][A-Za-z0-9_]*$"}}},
                    {"additionalProperties", {{"$ref", definition}}}},
                   description);
}

options closed_map(options properties, const char* description) {
  return described({{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}},
                   description);
}

}  // namespace

options json_schema() {
  const options param = {{"anyOf", options::array({{{"type", "string"}},
                                                   {{"type", "object"},
                                                    {"properties",
                                                     {{"type", {{"type", "string"}}},
                                                      {"default", {{"type", text_types}}},
                                                      {"description", {{"type", "string"}}}}},
                                                    {"additionalProperties", false}}})}};
  const options properties = {
      {"version", described({{"type", "integer"}, {"maximum", 1}}, "The version of the language.")},
      {"pipeline", described({{"type", "string"}, {"pattern", "^[a-z0-9-]+$"}}, "The pipeline's name.")},
      {"description", {{"type", "string"}}},
      {"owner", described({{"type", "string"}}, "Who is responsible; travels in every event.")},
      {"tags", texts()},
      {"params", described({{"type", "object"}, {"additionalProperties", param}},
                           "Values given with --set name=value or SLUICE_PARAM_NAME; no default: required.")},
      {"run", closed_map({{"memory", {{"type", {"string", "integer"}}}},
                          {"timezone", {{"type", "string"}}},
                          {"timeout", {{"type", "string"}}},
                          {"overlap", {{"enum", {"skip", "queue", "cancel"}}}}},
                         "Limits and settings of a run.")},
      {"defaults", closed_map(shared_keys(), "Keys for all units that do not have them.")},
      {"extract", units("#/$defs/source", "Units that read.")},
      {"transform", units("#/$defs/transform", "Units that work on rows.")},
      {"load", units("#/$defs/sink", "Units that write.")},
      {"rejects",
       closed_map({{"allow", {{"type", "integer"}, {"minimum", 0}}}, {"fail_above", {{"type", {"string", "number"}}}}},
                  "How many rejected rows are borne.")},
  };
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "Sluice pipeline"},
          {"type", "object"},
          {"properties", properties},
          {"additionalProperties", false},
          {"$defs",
           {{"source", unit_schema(component_kind::source)},
            {"transform", unit_schema(component_kind::transform)},
            {"sink", unit_schema(component_kind::sink)},
            {"step", step_schema()}}}};
}

}  // namespace sluice::config
