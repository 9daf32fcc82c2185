#include "engine/notify/event_schema.hpp"

#include "engine/store/store.hpp"

#include <algorithm>
#include <array>

namespace sluice::notify {

namespace {

constexpr const char* example_run = "0190a3f2-1b2c-7abc-8000-000000000001";
constexpr const char* example_stream = "0190a3f2-0000-7abc-8000-000000000000";
constexpr std::int64_t example_time = 1'714'540'500'000'000;  // 2024-05-01 05:15 UTC

/// Fields that `when` knows by a name of their own, while they stand in the event's cause.
bool is_of_cause(std::string_view name) { return name == "code" || name == "message" || name == "where"; }

bool has_cause(const event_type& what) {
  return std::count_if(what.fields.begin(), what.fields.end(),
                       [](const auto& field) { return is_of_cause(field.name); }) == 3;
}

const char* json_type(std::string_view sql) {
  if (sql == "bigint") return "integer";
  if (sql == "double") return "number";
  return sql == "boolean" ? "boolean" : "string";
}

options value_of(const event_field& field) {
  if (field.type == "bigint") return field.name.ends_with("_microseconds") ? 1'500'000 : 3;
  if (field.type == "double") return 0.5;
  if (field.type == "boolean") return true;
  static constexpr std::array<std::pair<std::string_view, const char*>, 6> known = {
      {{"channel", "pager"},
       {"node", "n1"},
       {"answer", "503 try later"},
       {"due", "2024-05-01T05:00:00Z"},
       {"deadline", "2024-05-01T05:45:00Z"},
       {"rule", "daily/oncall"}}};
  for (const auto& [name, text] : known)
    if (field.name == name) return text;
  return std::string(field.name);
}

bool is_of_run(const event_type& what) {
  for (const auto* kind :
       {"run.", "unit.", "checkpoint.", "rejects.", "quality.", "backpressure.", "incremental.", "schema."})
    if (what.name.starts_with(kind)) return what.name != "run.late" && what.name != "run.skipped";
  return false;
}

}  // namespace

options schema_of(const event_type& what) {
  options properties = {{"run", {{"type", "string"}}},
                        {"sequence", {{"type", "integer"}}},
                        {"cursor", {{"type", "integer"}}},
                        {"severity", {{"const", to_string(what.how_bad)}}},
                        {"pipeline", {{"type", "string"}}},
                        {"owner", {{"type", "string"}}},
                        {"tags", {{"type", "array"}, {"items", {{"type", "string"}}}}},
                        {"unit", {{"type", "string"}}}};
  for (const auto& field : what.fields)
    if (!has_cause(what) || !is_of_cause(field.name))
      properties[std::string(field.name)] = options{{"type", json_type(field.type)}, {"description", field.help}};
  if (has_cause(what)) {
    const options text = {{"type", "string"}};
    properties["cause"] =
        options{{"type", "object"},
                {"required", {"message", "code"}},
                {"properties", {{"code", text}, {"message", text}, {"hint", text}, {"where", text}, {"path", text}}}};
  }
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", what.name},
          {"description", what.summary},
          {"type", "object"},
          {"required", {"specversion", "id", "source", "type", "time", "data"}},
          {"properties",
           {{"specversion", {{"const", "1.0"}}},
            {"id", {{"type", "string"}}},
            {"source", {{"type", "string"}}},
            {"type", {{"const", what.name}}},
            {"subject", {{"type", "string"}}},
            {"time", {{"type", "string"}, {"format", "date-time"}}},
            {"sequence", {{"type", "string"}, {"pattern", "^[0-9]{10}$"}}},
            {"replay", {{"type", "string"}, {"description", "the replay that sends it once more"}}},
            {"data",
             {{"type", "object"}, {"required", {"sequence", "severity"}}, {"properties", std::move(properties)}}}}}};
}

options example_of(const event_type& what) {
  const bool of_run = is_of_run(what);
  store::event made;
  made.sequence = 3;
  made.cursor = 120;
  made.run = of_run ? example_run : "";
  made.id = std::string(of_run ? example_run : example_stream) + "/3";
  made.type = what.name;
  made.time = example_time;
  if (!what.name.starts_with("node.")) made.pipeline = "daily";
  if (what.name.starts_with("unit.") || what.name.starts_with("backpressure.") || what.name == "quality.warned")
    made.unit = "orders";
  made.data = options::object();
  for (const auto& field : what.fields)
    if (!has_cause(what) || !is_of_cause(field.name)) made.data[std::string(field.name)] = value_of(field);
  if (has_cause(what))
    made.data["cause"] = options{{"code", "file_not_found"},
                                 {"message", "there is no file orders.csv"},
                                 {"hint", "check the path"},
                                 {"where", "unit orders"},
                                 {"path", "/extract/orders"}};
  return store::cloud_event(made);
}

}  // namespace sluice::notify
