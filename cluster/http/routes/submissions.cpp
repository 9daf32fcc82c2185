#include "cluster/http/route.hpp"

#include "cluster/error_answer.hpp"
#include "engine/component/bounded_json.hpp"
#include "engine/error/names.hpp"

#include <algorithm>

namespace sluice::cluster {

namespace {

/// Reads a map of texts ({ name: value }).
status read_texts(const options& json, const char* key, std::map<std::string, std::string>& into) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return {};
  if (!found->is_object()) return user_error("invalid_request", std::string(key) + " must be an object of texts");
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) return user_error("invalid_request", std::string(key) + "." + name + " must be a text");
    into[name] = value.get<std::string>();
  }
  return {};
}

/// Params and variables of the environment; no honest submission comes near it.
constexpr std::size_t most_submitted_values = 10'000;
/// Bytes of a foreign key.
constexpr std::size_t most_shown = 100;
/// A file of nothing but faults would make an answer many times its size.
constexpr std::size_t most_faults = 100;
/// Characters of an idempotency key.
constexpr std::size_t most_key = 255;

}  // namespace

result<submission> read_submission(const std::string& body) {
  auto parsed = parse_bounded_json(body, most_submitted_values);
  if (!parsed.ok() && parsed.problem().code == "too_many_values")
    return user_error("invalid_request",
                      "a submission may have " + std::to_string(most_submitted_values) + " params and variables");
  const auto json = parsed.ok() ? std::move(parsed).value() : options();
  if (!json.is_object())
    return user_error("invalid_request", "the body must be a JSON object with the pipeline's text");
  submission out;
  const auto text = [&](const char* key, std::string& into) -> status {
    const auto found = json.find(key);
    if (found == json.end()) return {};
    if (!found->is_string()) return user_error("invalid_request", std::string(key) + " must be a text");
    into = found->get<std::string>();
    return {};
  };
  SLUICE_TRY(text("text", out.text));
  SLUICE_TRY(text("file", out.file));
  SLUICE_TRY(text("base_folder", out.base_folder));
  SLUICE_TRY(text("config_file", out.config_file));
  SLUICE_TRY(text("config", out.config));
  SLUICE_TRY(text("from", out.from));
  SLUICE_TRY(read_texts(json, "params", out.params));
  SLUICE_TRY(read_texts(json, "environment", out.environment));
  const auto flag = [&](const char* key, bool& into) -> status {
    const auto found = json.find(key);
    if (found == json.end()) return {};
    if (!found->is_boolean()) return user_error("invalid_request", std::string(key) + " must be true or false");
    into = found->get<bool>();
    return {};
  };
  SLUICE_TRY(flag("fresh", out.fresh));
  SLUICE_TRY(flag("again", out.again));
  if (const auto drop = json.find("drop_state"); drop != json.end()) {
    const bool texts =
        drop->is_array() && std::all_of(drop->begin(), drop->end(), [](const auto& one) { return one.is_string(); });
    if (!texts) return user_error("invalid_request", "drop_state must be a list of units");
    out.drop = drop->get<std::vector<std::string>>();
  }
  for (const auto& [key, value] : json.items()) {
    static const std::vector<std::string> known = {"text",        "file",   "base_folder", "params",
                                                   "environment", "config", "config_file", "fresh",
                                                   "from",        "again",  "drop_state"};
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto shown = key.substr(0, most_shown);
    const auto near = nearest_name(shown, known);
    return user_error("unknown_key", "a submission has no '" + shown + "'",
                      near.empty() ? "" : "did you mean '" + near + "'?");
  }
  if (out.text.empty())
    return user_error("invalid_request", "the submission needs text: the content of the pipeline's file");
  if (!out.base_folder.starts_with('/'))
    return user_error("invalid_request", "base_folder must be an absolute path, found '" + out.base_folder + "'");
  return out;
}

api_response refuse_faults(const diagnostics& faults) {
  options list = options::array();
  for (std::size_t at = 0; at < std::min(faults.size(), most_faults); ++at) list.push_back(error_to_json(faults[at]));
  options body = {{"error", list[0]}, {"faults", list}};
  if (faults.size() > most_faults) body["more_faults"] = faults.size() - most_faults;
  return json_answer(body, 422);
}

namespace {

/// The Idempotency-Key of a request. The draft of the header wants a text in double quotes; most clients send it bare.
result<std::string> key_of(const api_call& call) {
  auto key = call.text("Idempotency-Key");
  if (key.size() >= 2 && key.starts_with('"') && key.ends_with('"')) key = key.substr(1, key.size() - 2);
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (call.given("Idempotency-Key") && (key.empty() || key.size() > most_key || !plain))
    return user_error("invalid_request",
                      "Idempotency-Key must have 1 to " + std::to_string(most_key) + " visible ASCII characters",
                      "a UUID will do");
  return key;
}

api_response submit_run(const api_call& call) {
  if (!call.handlers().submit) return not_here("accept submissions");
  auto what = read_submission(call.request().body);
  if (!what.ok()) return refusal_of(what.problem());
  auto key = key_of(call);
  if (!key.ok()) return refusal_of(key.problem());
  what->key = std::move(*key);
  diagnostics faults;
  const auto run = call.handlers().submit(*what, faults);
  if (!faults.empty()) return refuse_faults(faults);
  if (!run.ok()) return refusal_of(run.problem());
  return json_answer({{"run", run->id}, {"repeated", run->repeated}}, run->repeated ? 200 : 201);
}

api_response plan_text(const api_call& call) {
  if (!call.handlers().plan) return not_here("plan pipelines");
  const auto what = read_submission(call.request().body);
  if (!what.ok()) return refusal_of(what.problem());
  diagnostics faults;
  const auto made = call.handlers().plan(*what, faults);
  if (!faults.empty()) return refuse_faults(faults);
  if (!made.ok()) return refusal_of(made.problem());
  return json_answer(*made);
}

constexpr const char* submission_schema = R"json({
  "type": "object",
  "required": ["text", "base_folder"],
  "additionalProperties": false,
  "properties": {
    "text": {"type": "string", "minLength": 1, "description": "the content of the pipeline's file"},
    "file": {"type": "string", "description": "its name, for messages"},
    "base_folder": {"type": "string", "pattern": "^/", "description": "absolute; relative paths in the pipeline start here"},
    "params": {"type": "object", "additionalProperties": {"type": "string"}, "description": "values of --set"},
    "environment": {"type": "object", "additionalProperties": {"type": "string"}, "description": "values of the variables that the file refers to"},
    "config": {"type": "string", "description": "the content of a file for --config, whose connections win"},
    "config_file": {"type": "string", "description": "its name, for messages"},
    "fresh": {"type": "boolean", "description": "reads everything again, also what incremental sources have read"},
    "from": {"type": "string", "description": "RUN@NUMBER: the savepoint to continue after"},
    "again": {"type": "boolean", "description": "with from: also where sinks get rows again that they have"},
    "drop_state": {"type": "array", "items": {"type": "string"}, "description": "units that forget their position or state"}
  }
})json";

constexpr const char* submitted_schema = R"json({
  "type": "object",
  "required": ["run", "repeated"],
  "properties": {
    "run": {"type": "string", "description": "the run's id"},
    "repeated": {"type": "boolean", "description": "an earlier submission with the same key had started it"}
  }
})json";

constexpr const char* plan_schema = R"json({
  "type": "object",
  "required": ["pipeline", "units", "edges"],
  "properties": {
    "pipeline": {"type": "string"},
    "units": {"type": "array", "items": {"type": "object", "required": ["unit", "role", "component", "parallelism"], "properties": {
      "unit": {"type": "string"},
      "role": {"type": "string", "enum": ["extract", "transform", "load"]},
      "component": {"type": "string"},
      "parallelism": {"type": "integer"},
      "outputs": {"type": "array", "items": {"type": "object", "required": ["columns"], "properties": {
        "port": {"type": "string"},
        "columns": {"type": "array", "items": {"$ref": "#/components/schemas/Column"}}}}},
      "columns": {"type": "array", "items": {"$ref": "#/components/schemas/Column"}, "description": "load units: what they load"},
      "filter": {"type": "string", "description": "sources: an expression that the reader applies"},
      "needed": {"type": "array", "items": {"type": "string"}, "description": "sources: columns that are read; empty: all"},
      "nodes": {"type": "array", "items": {"type": "string"}, "description": "the node of each of its instances"}}}},
    "edges": {"type": "array", "items": {"type": "object", "required": ["from", "to", "kind"], "properties": {
      "from": {"type": "string"},
      "to": {"type": "string"},
      "kind": {"type": "string", "enum": ["forward", "round_robin", "hash", "broadcast"]},
      "channels": {"type": "integer", "description": "connections between instances"},
      "remote": {"type": "integer", "description": "those of them between nodes"},
      "keys": {"type": "array", "items": {"type": "string"}}}}},
    "warnings": {"type": "array", "items": {"$ref": "#/components/schemas/Error"}},
    "text": {"type": "string", "description": "of a run: the pipeline's file"},
    "base_folder": {"type": "string", "description": "of a run: where its relative paths start"}
  }
})json";

constexpr const char* column_schema = R"json({
  "type": "object",
  "required": ["name", "type"],
  "properties": {"name": {"type": "string"}, "type": {"type": "string"}}
})json";

}  // namespace

route_group submission_routes() {
  return {
      .name = "submissions",
      .routes = {{.method = "POST",
                  .path = "/v1/runs",
                  .id = "submit_run",
                  .summary = "submits a pipeline: 201 with the run's id; 200 where a submission with the same "
                             "`Idempotency-Key` had started it; 422 with all faults",
                  .parameters = {{.name = "Idempotency-Key",
                                  .summary = "1 to 255 visible ASCII characters: submitting again with the same "
                                             "key gives the same run",
                                  .in = parameter::place::header}},
                  .body = "Submission",
                  .answers = {{.status = 201, .summary = "The run is accepted", .schema = "Submitted"},
                              {.status = 200, .summary = "It had been accepted", .schema = "Submitted"}},
                  .refusals = {409, 413, 422, 501},
                  .how = answered::by_planning,
                  .answer = submit_run},
                 {.method = "POST",
                  .path = "/v1/plan",
                  .id = "plan_pipeline",
                  .summary = "plans a pipeline without running it, like `sluice explain --json`; 422 with all faults",
                  .body = "Submission",
                  .answers = {{.summary = "The plan", .schema = "Plan"}},
                  .refusals = {413, 422, 501},
                  .how = answered::by_planning,
                  .answer = plan_text}},
      .schemas = {{"Submission", submission_schema},
                  {"Submitted", submitted_schema},
                  {"Plan", plan_schema},
                  {"Column", column_schema}}};
}

}  // namespace sluice::cluster
