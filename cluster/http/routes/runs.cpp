#include "cluster/http/route.hpp"
#include "cluster/http/run_list.hpp"

#include "engine/error/names.hpp"
#include "engine/plan/explain_json.hpp"

#include <algorithm>
#include <fstream>

namespace sluice::cluster {

namespace {

std::vector<std::string> state_names() {
  std::vector<std::string> names;
  for (const auto state : store::run_states()) names.push_back(store::to_string(state));
  return names;
}

/// "failed,partial"; all where it is empty.
result<std::vector<store::run_state>> states_in(const std::string& text) {
  std::vector<store::run_state> out;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    const auto name = text.substr(begin, comma - begin);
    const auto state = store::run_state_from(name);
    if (!state)
      return user_error("invalid_query",
                        "states must be states with commas between, found '" + shortened(name, 100) + "'",
                        "for example failed,partial");
    out.push_back(*state);
    begin = comma + 1;
  }
  return out;
}

api_response list_runs(const api_call& call) {
  store::run_query query;
  query.limit = call.number("limit");
  query.after = call.text("after");
  query.search = call.text("search");
  if (call.given("pipeline")) query.pipeline = call.text("pipeline");
  auto states = states_in(call.text(call.given("state") ? "state" : "states"));
  if (!states.ok()) return refusal_of(states.problem());
  query.states = std::move(*states);
  // Read before the runs: what happens in between is in the events above it.
  const auto cursor = call.store().last_cursor();
  if (!cursor.ok()) return refusal_of(cursor.problem());
  const auto found = call.store().runs(query);
  if (!found.ok()) return refusal_of(found.problem());
  const bool brief = call.flag("brief");
  std::map<std::string, options> live;
  const bool any_live =
      std::any_of(found->begin(), found->end(), [](const auto& run) { return !store::is_final(run.state); });
  if (brief && any_live && call.handlers().all_progress) live = call.handlers().all_progress();
  options list = options::array();
  for (const auto& each : *found) list.push_back(brief ? brief_run(each, live[each.id]) : run_to_json(each));
  options body = {{"runs", std::move(list)}, {"cursor", *cursor}};
  // Where the page is full there may be more.
  if (static_cast<std::int64_t>(found->size()) == query.limit) body["next"] = found->back().id;
  return json_answer(body);
}

api_response get_run(const api_call& call) {
  const auto found = call.store().find_run(call.text("run"));
  if (!found.ok()) return refusal_of(found.problem());
  auto json = run_to_json(*found);
  if (found->context.is_object() && found->context.contains("origin")) json["origin"] = found->context["origin"];
  if (call.handlers().progress && !store::is_final(found->state)) {
    if (auto progress = call.handlers().progress(found->id); !progress.is_null())
      json["progress"] = std::move(progress);
  }
  return json_answer(json);
}

api_response get_run_plan(const api_call& call) {
  const auto found = call.store().find_run(call.text("run"));
  if (!found.ok()) return refusal_of(found.problem());
  const auto what = plan_from_bytes(found->plan);
  if (!what.ok())
    return refusal_of(external_error("run_unreadable", "the record of run " + found->id + " has no plan",
                                     "it was written by an older version of sluice"));
  auto json = explain_json(*what);
  json["text"] = found->text;
  json["base_folder"] = found->context.is_object() ? found->context.value("base_folder", "") : "";
  return json_answer(json);
}

/// A live run that is named by its whole id: its own process knows it, whatever its disk does.
std::optional<api_response> cancel_live(const api_call& call) {
  if (!call.handlers().cancel) return {};
  const auto run = call.text("run");
  const auto told = call.handlers().cancel(run);
  if (!told.ok() || !*told) return {};
  return json_answer({{"run", run}, {"state", "cancelling"}}, 202);
}

api_response cancel_run(const api_call& call) {
  auto found = call.store().find_run(call.text("run"));
  if (!found.ok()) return refusal_of(found.problem());
  if (!store::is_final(found->state)) {
    if (!call.handlers().cancel) return not_here("run pipelines");
    const auto told = call.handlers().cancel(found->id);
    if (!told.ok()) return refusal_of(told.problem());
    if (*told) return json_answer({{"run", found->id}, {"pipeline", found->pipeline}, {"state", "cancelling"}}, 202);
    // It may have ended between the look and the word.
    found = call.store().find_run(found->id);
    if (!found.ok()) return refusal_of(found.problem());
  }
  if (store::is_final(found->state))
    return json_answer({{"run", found->id}, {"pipeline", found->pipeline}, {"state", store::to_string(found->state)}});
  return refusal_of(user_error("run_elsewhere", "run " + found->id + " does not belong to this process",
                               found->endpoint.empty() ? "" : "ask the process at " + found->endpoint));
}

api_response get_rejects(const api_call& call) {
  const auto found = call.store().find_run(call.text("run"));
  if (!found.ok()) return refusal_of(found.problem());
  const auto limit = call.number("limit");
  const auto skip = call.number("skip");
  constexpr std::size_t most_bytes = 16 * 1024 * 1024;
  api_response out{.content_type = "application/x-ndjson", .body = {}};
  std::ifstream file(call.handlers().state_folder + "/runs/" + found->id + "/rejects.ndjson", std::ios::binary);
  std::string line;
  for (std::int64_t i = 0; i < skip && std::getline(file, line); ++i) {
  }
  for (std::int64_t i = 0; i < limit && out.body.size() < most_bytes && std::getline(file, line); ++i)
    out.body.append(line).append("\n");
  return out;
}

constexpr const char* run_schema = R"json({
  "type": "object",
  "required": ["id", "pipeline", "state", "created", "started", "ended"],
  "description": "A run. Times are microseconds since 1970 UTC, 0 where it has not come so far.",
  "properties": {
    "id": {"type": "string"},
    "pipeline": {"type": "string"},
    "owner": {"type": "string"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "state": {"$ref": "#/components/schemas/RunState"},
    "created": {"type": "integer", "format": "int64"},
    "started": {"type": "integer", "format": "int64"},
    "ended": {"type": "integer", "format": "int64"},
    "node": {"type": "string", "description": "the node that supervises it"},
    "pid": {"type": "integer", "format": "int64"},
    "endpoint": {"type": "string", "description": "HOST:PORT of the API of its process"},
    "params": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
    "cause": {"anyOf": [{"$ref": "#/components/schemas/Cause"}, {"type": "null"}], "description": "why it did not succeed"},
    "summary": {"anyOf": [{"$ref": "#/components/schemas/RunSummary"}, {"type": "null"}], "description": "of an ended run"},
    "progress": {"$ref": "#/components/schemas/Progress"},
    "origin": {"type": "object", "description": "of a single run that was started by a schedule, a rule or a trigger", "properties": {
      "reason": {"type": "string"},
      "due": {"type": "integer", "format": "int64"},
      "parents": {"type": "array", "items": {"type": "object", "properties": {"pipeline": {"type": "string"}, "run": {"type": "string"}}}},
      "backfill": {"type": "string"}}},
    "rows": {"type": "object", "description": "of a brief list: the rows of all units", "properties": {
      "read": {"type": "integer", "format": "int64"},
      "loaded": {"type": "integer", "format": "int64"},
      "rejected": {"type": "integer", "format": "int64"}}}
  }
})json";

constexpr const char* cause_schema = R"json({
  "type": "object",
  "required": ["code", "message"],
  "description": "Why a run did not succeed. `sluice help CODE` explains the code.",
  "properties": {
    "code": {"type": "string"},
    "message": {"type": "string"},
    "hint": {"type": "string"},
    "where": {"type": "string"},
    "path": {"type": "string"},
    "unit": {"type": "string"},
    "node": {"type": "string"}
  }
})json";

constexpr const char* counters = R"json(
    "in": {"type": "integer", "format": "int64", "description": "rows that came in"},
    "added": {"type": "integer", "format": "int64", "description": "rows that it made itself"},
    "out": {"type": "integer", "format": "int64", "description": "rows that it passed on or loaded"},
    "filtered": {"type": "integer", "format": "int64"},
    "merged": {"type": "integer", "format": "int64"},
    "rejected": {"type": "integer", "format": "int64"},
    "set_null": {"type": "integer", "format": "int64"},
    "bytes": {"type": "integer", "format": "int64"},
    "batches": {"type": "integer", "format": "int64"},
    "waiting": {"type": "integer", "format": "int64", "description": "rows on disk that its target does not have yet; missing where there are none"})json";

std::string summary_schema() {
  return std::string(R"json({
  "type": "object",
  "description": "What a run has done. Its rows are balanced where each unit's rows in and rows out add up.",
  "properties": {
    "state": {"$ref": "#/components/schemas/RunState"},
    "balanced": {"type": "boolean"},
    "rejected": {"type": "integer", "format": "int64"},
    "duration_microseconds": {"type": "integer", "format": "int64"},
    "rejects_path": {"type": "string"},
    "cause": {"$ref": "#/components/schemas/Cause"},
    "units": {"type": "array", "items": {"type": "object", "required": ["unit", "role"], "properties": {
    "unit": {"type": "string"},
    "role": {"type": "string", "enum": ["extract", "transform", "load"]},
    "target": {"type": "string", "description": "load units: what was written"},)json") +
         counters + "}}}}}";
}

std::string progress_schema() {
  return std::string(R"json({
  "type": "object",
  "required": ["run", "pipeline", "state", "running_seconds", "units"],
  "description": "How far an active run is.",
  "properties": {
    "run": {"type": "string"},
    "pipeline": {"type": "string"},
    "state": {"type": "string"},
    "running_seconds": {"type": "number"},
    "left_seconds": {"type": "number", "description": "an estimate; missing where there is none"},
    "memory": {"type": "object", "properties": {
      "limit": {"type": "integer", "format": "int64"},
      "reserved": {"type": "integer", "format": "int64"},
      "queued": {"type": "integer", "format": "int64"}}},
    "units": {"type": "array", "items": {"type": "object", "required": ["unit", "state"], "properties": {
    "unit": {"type": "string"},
    "state": {"type": "string"},
    "skipped": {"type": "integer", "format": "int64"},
    "role": {"type": "string", "enum": ["extract", "transform", "load"]},
    "rows_per_second": {"type": "number"},
    "held_back": {"type": "number", "description": "share of the last seconds in which its rows waited for the units after it"},
    "starved": {"type": "number", "description": "share of the last seconds in which it had no rows to work on"},
    "down": {"type": "object", "description": "while its system can't be reached", "properties": {
      "since": {"type": "integer", "format": "int64", "description": "microseconds since 1970 UTC"},
      "message": {"type": "string"}}},
    "done": {"type": "number", "description": "from 0 to 1, where it is known"},)json") +
         counters + "}}}}}";
}

constexpr const char* run_list_schema = R"json({
  "type": "object",
  "required": ["runs"],
  "properties": {
    "runs": {"type": "array", "items": {"$ref": "#/components/schemas/Run"}},
    "next": {"type": "string", "description": "the cursor of the next page; missing where there is none"},
    "cursor": {"type": "integer", "format": "int64", "description": "of events: what is reported later is above it"}
  }
})json";

constexpr const char* cancelled_schema = R"json({
  "type": "object",
  "required": ["run", "state"],
  "properties": {
    "run": {"type": "string"},
    "pipeline": {"type": "string"},
    "state": {"type": "string", "description": "cancelling, or the state that it had ended in"}
  }
})json";

}  // namespace

route_group run_routes() {
  const auto run = path_text("run", "a run's id, a unique prefix of one, a pipeline's name (its newest run) or `last`");
  auto states = options::array();
  for (const auto& name : state_names()) states.push_back(name);
  const options state_schema = {{"type", "string"}, {"enum", states}};
  return {
      .name = "runs",
      .routes =
          {{.method = "GET",
            .path = "/v1/runs",
            .id = "list_runs",
            .summary = "runs, the newest first",
            .parameters = {query_text("after", "a cursor: `next` of the page before"),
                           query_whole("limit", "runs of a page", "50", 1, 1000),
                           query_text("pipeline", "only runs of this pipeline"),
                           query_choice("state", "only runs in this state", state_names()),
                           query_text("states", "only runs in one of these states, with commas between"),
                           query_text("search",
                                      "only runs whose id begins with it, or with it in pipeline, owner or tags"),
                           query_flag("brief", "without params, process and units: for long lists", "false")},
            .answers = {{.summary = "A page of runs", .schema = "RunList"}},
            .refusals = {404},
            .answer = list_runs},
           {.method = "GET",
            .path = "/v1/runs/{run}",
            .id = "get_run",
            .summary = "one run; with `progress` while it is active",
            .parameters = {run},
            .answers = {{.summary = "The run", .schema = "Run"}},
            .refusals = {404, 409},
            .answer = get_run},
           {.method = "GET",
            .path = "/v1/runs/{run}/plan",
            .id = "get_run_plan",
            .summary = "the plan of a run: its units, their columns, and the edges between them",
            .parameters = {run},
            .answers = {{.summary = "The plan", .schema = "Plan"}},
            .refusals = {404, 409},
            .answer = get_run_plan},
           {.method = "POST",
            .path = "/v1/runs/{run}/cancel",
            .id = "cancel_run",
            .summary = "cancels a run, which ends when its units have stopped: 202, or 200 where it has ended already. "
                       "With the full id of a current run, the answer comes even while the disk of the state folder "
                       "hangs",
            .parameters = {run},
            .answers = {{.status = 202, .summary = "It is told to stop", .schema = "Cancelled"},
                        {.status = 200, .summary = "It had ended", .schema = "Cancelled"}},
            .refusals = {404, 409, 501},
            .answer = cancel_run,
            .before_store = cancel_live},
           {.method = "GET",
            .path = "/v1/runs/{run}/rejects",
            .id = "get_rejects",
            .summary = "rejected rows as JSON lines, 16 MiB at most; to continue, raise `skip` by the lines received",
            .parameters = {run,
                           query_whole("skip", "lines to leave out at the beginning", "0", 0, 9'007'199'254'740'991),
                           query_whole("limit", "most lines", "100", 0, 10'000)},
            .answers = {{.summary = "One JSON object per line", .content_type = "application/x-ndjson"}},
            .refusals = {404, 409},
            .answer = get_rejects}},
      .schemas = {{"Run", run_schema},
                  {"RunState", state_schema.dump()},
                  {"Cause", cause_schema},
                  {"RunSummary", summary_schema()},
                  {"Progress", progress_schema()},
                  {"RunList", run_list_schema},
                  {"Cancelled", cancelled_schema}}};
}

}  // namespace sluice::cluster
