#include "config/json_schema.hpp"

#include "config/connections.hpp"
#include "engine/component/component.hpp"
#include "engine/component/connection_field.hpp"

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
  if (const auto* connection = connection_of(spec))
    for (const auto& field : connection->elements) properties[field.name] = schema_of(field);
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

options retry_schema(const char* help) {
  return described({{"type", {"object", "null"}},
                    {"properties",
                     {{"attempts", or_reference({{"type", "integer"}, {"minimum", 0}})},
                      {"backoff", {{"type", "string"}}},
                      {"max_backoff", {{"type", "string"}}}}},
                    {"additionalProperties", false}},
                   help);
}

/// The keys that every unit shares.
options shared_keys() {
  const options labels = {{"type", "object"}, {"additionalProperties", {{"type", text_types}}}};
  return {{"description", described({{"type", "string"}}, "Description of the unit.")},
          {"on_error",
           described(or_reference({{"enum", {"reject", "set_null", "fail"}}}),
                     "What to do with a row that has an error. Default: reject for sources, fail for other units.")},
          {"parallelism", described(or_reference({{"type", "integer"}, {"minimum", 1}, {"maximum", 1024}}),
                                    "Number of parallel instances of the unit.")},
          {"retry",
           retry_schema("How to connect again to a system that is down. Default: 5 attempts, after 1s, 2s, 4s ...")},
          {"place", described({{"type", "object"},
                               {"properties", {{"node", {{"type", "string"}}}, {"labels", labels}}},
                               {"additionalProperties", false}},
                              "Where the unit runs: on the named node, or on any node that has all the labels.")}};
}

void add_time_key(options& keys) {
  keys["time"] = described(
      {{"type", "object"},
       {"properties",
        {{"column", {{"type", "string"}}}, {"out_of_order", {{"type", "string"}}}, {"idle", {{"type", "string"}}}}},
       {"required", options::array({"column"})},
       {"additionalProperties", false}},
      "When rows happened: the column, how late a row may be, and when silence counts.");
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
  keys["types"] = described({{"type", "object"}, {"additionalProperties", type}},
                            "SQL types of columns; the types of other columns are inferred.");
  keys["columns"] = described(texts(), "Columns to read; other columns are ignored.");
  keys["sample"] = described({{"type", "integer"}, {"minimum", 1}}, "Number of rows from which types are inferred.");
  keys["metadata"] = described(
      {{"type", "object"},
       {"additionalProperties",
        {{"enum", {"path", "row", "key", "timestamp", "topic", "partition", "offset", "headers", "deleted"}}}}},
      "Columns with the origin of each row: { _file: path, _row: row }.");
  keys["order"] = described({{"enum", {"keep", "any"}}}, "any: the order of rows need not be kept.");
  keys["contract"] = described({{"enum", {"evolve", "freeze", "discard", "quarantine"}}},
                               "What to do with new or missing columns, compared to the last run.");
  keys["incremental"] =
      described({{"type", "object"},
                 {"properties",
                  {{"by", {{"enum", {"file", "column"}}}},
                   {"column", {{"type", "string"}}},
                   {"changed", {{"enum", {"fail", "read_again"}}}}}},
                 {"additionalProperties", false}},
                "Read only what earlier runs have not loaded: new files, or rows above the highest value of a column.");
  add_time_key(keys);
}

void add_sink_keys(options& keys) {
  keys["mode"] = described({{"type", "string"}}, "What to do with rows that are already in the target.");
  keys["key"] = described(texts(), "Columns that identify a row, for the modes upsert, merge and scd2.");
  keys["merge"] = described(
      {{"type", "object"},
       {"properties",
        {{"delete_when", {{"type", "string"}}}, {"update", {{"type", "array"}, {"items", {{"type", "string"}}}}}}},
       {"additionalProperties", false}},
      "For mode: merge. delete_when: rows for which it is true remove the row of their key; update: the columns that "
      "are set.");
  keys["scd2"] = described(
      {{"type", "object"},
       {"properties",
        {{"tracked", {{"type", "array"}, {"items", {{"type", "string"}}}}},
         {"at", {{"type", "string"}}},
         {"gone", {{"enum", {"keep", "close"}}}},
         {"surrogate", {{"type", "string"}}}}},
       {"required", {"at"}},
       {"additionalProperties", false}},
      "For mode: scd2. tracked: a change of these columns opens a version; at: when versions begin; gone: close ends "
      "the "
      "versions of keys that are not in the extract; surrogate: a column for the hash of key and valid_from.");
  keys["reconcile"] = described({{"type", "object"},
                                 {"properties",
                                  {{"with", {{"type", "string"}}},
                                   {"key", {{"type", "array"}, {"items", {{"type", "string"}}}}},
                                   {"columns", {{"type", "array"}, {"items", {{"type", "string"}}}}},
                                   {"severity", {{"enum", {"warn", "fail"}}}}}},
                                 {"required", {"with", "key"}},
                                 {"additionalProperties", false}},
                                "Compare the sink's rows with those of another unit before anything is published.");
  keys["when_down"] =
      described({{"anyOf", options::array({{{"enum", {"block", "fail"}}},
                                           {{"type", "object"},
                                            {"properties", {{"spill", {{"type", text_types}}}}},
                                            {"required", options::array({"spill"})},
                                            {"additionalProperties", false}}})}},
                "While the target can't be reached: fail after `retry`, block until it can, or keep rows on disk, at "
                "most so many bytes. Default: fail.");
  keys["overwrite_source"] =
      described({{"type", "boolean"}},
                "Allow the target to be a file that this run reads; it is replaced at the end of the run.");
}

/// The schema of a unit: its keys and exactly one of the components of a kind.
options unit_schema(component_kind kind) {
  auto keys = shared_keys();
  if (kind != component_kind::source)
    keys["from"] = described(texts(), "The unit to read: unit, unit.port, or a list.");
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
                              "Several operations in one unit; the rows of each are counted separately.");
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

/// A connection: the options of one component that units share.
options connection_schema() {
  auto one_of = options::array();
  for (const auto& [name, spec] : connection_kinds())
    one_of.push_back({{"type", "object"},
                      {"properties", {{name, schema_of(spec)}}},
                      {"required", options::array({name})},
                      {"additionalProperties", false}});
  if (one_of.empty()) return {{"type", "object"}};
  return {{"oneOf", one_of}};
}

options channel_schema() {
  auto kinds = options::object();
  for (const auto* one : components()) {
    if (one->spec.kind != component_kind::subscriber) continue;
    kinds[one->spec.name] = schema_of(one->spec.value);
    kinds[one->spec.name]["description"] = one->spec.summary;
  }
  return {{"type", "object"},
          {"properties", std::move(kinds)},
          {"additionalProperties", false},
          {"minProperties", 1},
          {"maxProperties", 1}};
}

options rule_schema() {
  const options time = {{"type", "string"}};
  const options step = {{"type", "object"},
                        {"properties", {{"after", time}, {"to", texts()}}},
                        {"required", options::array({"after", "to"})},
                        {"additionalProperties", false}};
  const options muting = {{"type", "object"},
                          {"properties", {{"by", {{"type", "string"}}}, {"same", texts()}, {"for", time}}},
                          {"required", options::array({"by", "for"})},
                          {"additionalProperties", false}};
  return {
      {"type", "object"},
      {"properties",
       {{"name", {{"type", "string"}}},
        {"when", described({{"type", "string"}}, "A condition over the event; without it every event counts.")},
        {"to", described(texts(), "Names of channels.")},
        {"start", described({{"type", "object"},
                             {"properties", {{"pipeline", {{"type", "string"}}}, {"params", {{"type", "object"}}}}},
                             {"required", options::array({"pipeline"})},
                             {"additionalProperties", false}},
                            "The deployed pipeline that an event starts.")},
        {"order", described({{"enum", {"run", "any"}}}, "any: an event need not wait for earlier ones of its run.")},
        {"group", described({{"type", "object"},
                             {"properties",
                              {{"by", texts()},
                               {"wait", time},
                               {"every", time},
                               {"most", {{"type", "integer"}, {"minimum", 1}, {"maximum", 100}}}}},
                             {"additionalProperties", false}},
                            "One message for several events.")},
        {"repeat", described(time, "Remind of an alert that is open, this often.")},
        {"resolved", described({{"type", "boolean"}}, "Tell when the trouble is over.")},
        {"escalate", described({{"type", "array"}, {"items", step}}, "Who is told if an alert is not acknowledged.")},
        {"inhibit", described({{"type", "array"}, {"items", muting}}, "Events that mute those that follow from them.")},
        {"heartbeat", described(time, "Tell in this interval that somebody works on the rule.")},
        {"absent", described(time, "Tell when no event has matched `when` for this time, in place of the events.")}}},
      {"required", options::array({"name"})},
      {"anyOf", options::array({{{"required", options::array({"to"})}}, {{"required", options::array({"start"})}}})},
      {"additionalProperties", false}};
}

options schedule_schema() {
  const options time = {{"type", "string"}};
  return {{"type", "object"},
          {"properties",
           {{"cron", described(time, "Minute, hour, day of month, month and day of week.")},
            {"timezone", time},
            {"every", described(time, "An interval, such as 15m.")},
            {"after", described({{"type", "object"},
                                 {"properties",
                                  {{"all", texts()},
                                   {"any", texts()},
                                   {"same", texts()},
                                   {"within", time},
                                   {"partial", {{"type", "boolean"}}}}},
                                 {"additionalProperties", false}},
                                "Runs of other pipelines.")},
            {"files", described(time, "A glob: files that arrive.")},
            {"settle", described(time, "How long a file has to be unchanged.")},
            {"webhook",
             {{"type", "object"},
              {"properties", {{"signing_key", time}}},
              {"required", options::array({"signing_key"})},
              {"additionalProperties", false}}},
            {"catch_up", {{"enum", {"none", "last", "all"}}}},
            {"deadline", described(time, "A duration from the due time, or a time of day such as 06:00.")}}},
          {"additionalProperties", false}};
}

options test_schema() {
  const options rows = {{"type", {"array", "object"}}};
  const options units_rows = {{"type", "object"}, {"additionalProperties", rows}};
  return {{"type", "object"},
          {"properties",
           {{"name", {{"type", "string"}}},
            {"params", {{"type", "object"}}},
            {"now", described({{"type", "string"}}, "What now() gives.")},
            {"given", described(units_rows, "The rows of the sources: a list of maps, or { file: PATH }.")},
            {"expect", described(units_rows, "The rows of units, and rejects: { UNIT: COUNT }.")}}},
          {"required", options::array({"name", "expect"})},
          {"additionalProperties", false}};
}

options closed_map(options properties, const char* description) {
  return described({{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}},
                   description);
}

}  // namespace

options json_schema() {
  auto default_types = text_types;
  default_types.push_back("object");
  const options param = {{"anyOf", options::array({{{"type", "string"}},
                                                   {{"type", "object"},
                                                    {"properties",
                                                     {{"type", {{"type", "string"}}},
                                                      {"default", {{"type", default_types}}},
                                                      {"description", {{"type", "string"}}}}},
                                                    {"additionalProperties", false}}})}};
  const options properties = {
      {"version", described({{"type", "integer"}, {"maximum", 1}}, "The version of the language.")},
      {"pipeline", described({{"type", "string"}, {"pattern", "^[a-z0-9-]+$"}}, "The pipeline's name.")},
      {"description", {{"type", "string"}}},
      {"owner", described({{"type", "string"}}, "Who is responsible; included in every event.")},
      {"tags", texts()},
      {"include",
       described(texts(), "Files with sections that other pipelines share; paths start at this file's folder.")},
      {"params",
       described({{"type", "object"}, {"additionalProperties", param}},
                 "Values set with --set name=value or SLUICE_PARAM_NAME. Params without a default are required.")},
      {"run",
       closed_map({{"memory", {{"type", {"string", "integer"}}}},
                   {"timezone", {{"type", "string"}}},
                   {"timeout", {{"type", "string"}}},
                   {"checkpoint", {{"type", "string"}}},
                   {"retry", retry_schema("How often and when a run that fails is tried again. Default: never.")},
                   {"overlap", {{"enum", {"skip", "queue", "cancel"}}}}},
                  "Limits and settings of a run.")},
      {"connections", described({{"type", "object"}, {"additionalProperties", connection_schema()}},
                                "Options for connecting to systems, by name, for units with connection: NAME.")},
      {"defaults", closed_map(shared_keys(), "Default keys for all units.")},
      {"extract", units("#/$defs/source", "Units that read sources.")},
      {"transform", units("#/$defs/transform", "Units that transform rows.")},
      {"load", units("#/$defs/sink", "Units that write to targets.")},
      {"rejects", closed_map({{"allow", {{"type", "integer"}, {"minimum", 0}}},
                              {"fail_above", {{"type", {"string", "number"}}}},
                              {"per", {{"type", "string"}}}},
                             "How many rejected rows are allowed.")},
      {"schedule", described(schedule_schema(), "When a node runs the pipeline, once it is deployed.")},
      {"channels",
       described({{"type", "object"}, {"additionalProperties", channel_schema()}}, "Where notifications can go.")},
      {"silences", described({{"type", "array"},
                              {"items",
                               {{"type", "object"},
                                {"properties",
                                 {{"name", {{"type", "string"}}},
                                  {"when", {{"type", "string"}}},
                                  {"cron", {{"type", "string"}}},
                                  {"timezone", {{"type", "string"}}},
                                  {"for", {{"type", "string"}}}}},
                                {"required", options::array({"name", "cron", "for"})},
                                {"additionalProperties", false}}}},
                             "When no notification is sent.")},
      {"notify", described({{"type", "array"}, {"items", rule_schema()}}, "Who is told of what.")},
      {"tests", described({{"type", "array"}, {"items", test_schema()}}, "What sluice test runs.")},
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
