#include "cluster/deployments.hpp"
#include "cluster/http/route.hpp"
#include "cluster/incoming_webhook.hpp"
#include "engine/component/bounded_json.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/values/quantities.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::cluster {

namespace {

constexpr std::size_t most_values = 10'000;

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

api_response not_scheduled() { return not_here("deploy pipelines"); }

void tell(const api_call& call) {
  if (call.handlers().schedules_changed) call.handlers().schedules_changed();
}

store::schedule_standing standing_of(const std::vector<store::schedule_standing>& all, const std::string& name) {
  for (const auto& one : all)
    if (one.pipeline == name) return one;
  return {.pipeline = name};
}

api_response list_pipelines(const api_call& call) {
  const auto all = store::schedules_of(call.store()).deployed();
  if (!all.ok()) return refusal_of(all.problem());
  const auto standings = store::schedules_of(call.store()).standings();
  if (!standings.ok()) return refusal_of(standings.problem());
  auto list = options::array();
  const auto at = now();
  for (const auto& one : *all) list.push_back(deployed_to_json(one, standing_of(*standings, one.name), at));
  return json_answer({{"pipelines", std::move(list)}});
}

result<store::deployed_pipeline> find(const api_call& call) {
  SLUICE_ASSIGN(auto found, store::schedules_of(call.store()).find(call.text("pipeline")));
  if (found) return std::move(*found);
  return user_error("not_deployed", "the pipeline " + call.text("pipeline") + " is not deployed",
                    "sluice deploy FILE deploys it, sluice pipelines lists those that are");
}

api_response get_pipeline(const api_call& call) {
  const auto found = find(call);
  if (!found.ok()) return refusal_of(found.problem());
  const auto standings = store::schedules_of(call.store()).standings();
  if (!standings.ok()) return refusal_of(standings.problem());
  auto body = deployed_to_json(*found, standing_of(*standings, found->name), now());
  body["text"] = found->submission.value("text", "");
  body["base_folder"] = found->submission.value("base_folder", "");
  body["params"] = found->submission.contains("params") ? found->submission["params"] : options::object();
  return json_answer(body);
}

api_response deploy(const api_call& call) {
  if (!call.handlers().deploy) return not_scheduled();
  const auto what = read_submission(call.request().body);
  if (!what.ok()) return refusal_of(what.problem());
  if (what->fresh)
    return refusal_of(user_error("invalid_request", "fresh has no meaning for a deployment",
                                 "reset the state of its sources: POST /v1/state/PIPELINE/reset"));
  diagnostics faults;
  const auto made = call.handlers().deploy(*what, faults);
  if (!faults.empty()) return refuse_faults(faults);
  if (!made.ok()) return refusal_of(made.problem());
  tell(call);
  const auto found = store::schedules_of(call.store()).find(made->pipeline);
  if (!found.ok()) return refusal_of(found.problem());
  options body = {{"pipeline", made->pipeline}, {"replaced", made->replaced}};
  if (*found) {
    const auto shown = deployed_to_json(**found, {.pipeline = made->pipeline}, now());
    body["schedule"] = shown["schedule"];
    if (shown.contains("next")) body["next"] = shown["next"];
  }
  return json_answer(body, made->replaced ? 200 : 201);
}

store::event event_of(const char* type, const std::string& pipeline) {
  store::event made;
  made.type = type;
  made.data = options{{"pipeline", pipeline}};
  return made;
}

api_response remove(const api_call& call) {
  const auto name = call.text("pipeline");
  std::vector<store::event> events = {event_of("pipeline.deleted", name)};
  const auto found = store::schedules_of(call.store()).remove(name, events);
  if (!found.ok()) return refusal_of(found.problem());
  if (!*found) return refusal_of(find(call).problem());
  // Its rules concern nothing that comes from now on.
  const auto ended = store::deliveries_of(call.store()).subscribe(name, {});
  if (!ended.ok()) return refusal_of(ended.problem());
  tell(call);
  return json_answer({{"pipeline", name}, {"deleted", true}});
}

api_response set_paused(const api_call& call, bool paused) {
  const auto name = call.text("pipeline");
  std::vector<store::event> events = {event_of(paused ? "pipeline.paused" : "pipeline.resumed", name)};
  const auto found = store::schedules_of(call.store()).pause(name, paused, now(), events);
  if (!found.ok()) return refusal_of(found.problem());
  if (!*found) return refusal_of(find(call).problem());
  tell(call);
  return get_pipeline(call);
}

api_response pause(const api_call& call) { return set_paused(call, true); }
api_response resume(const api_call& call) { return set_paused(call, false); }

result<std::map<std::string, std::string>> params_in(const options& json) {
  std::map<std::string, std::string> params;
  const auto found = json.find("params");
  if (found == json.end() || found->is_null()) return params;
  if (!found->is_object()) return user_error("invalid_request", "params must be an object of texts");
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) return user_error("invalid_request", "params." + name + " must be a text");
    params[name] = value.text();
  }
  return params;
}

result<options> body_of(const api_call& call, const std::vector<std::string>& known) {
  if (call.request().body.empty()) return options::object();
  auto json = parse_bounded_json(call.request().body, most_values);
  if (!json.ok() || !json->is_object()) return user_error("invalid_request", "the body must be a JSON object");
  for (const auto& [key, value] : json->items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return user_error("unknown_key", "the request has no '" + key.substr(0, 100) + "'");
  return std::move(json).value();
}

api_response trigger(const api_call& call) {
  if (!call.handlers().deploy) return not_scheduled();
  const auto body = body_of(call, {"params"});
  if (!body.ok()) return refusal_of(body.problem());
  const auto params = params_in(*body);
  if (!params.ok()) return refusal_of(params.problem());
  const auto run =
      trigger_pipeline(call.store(), call.text("pipeline"), call.text("Idempotency-Key"), *params, "trigger", now());
  if (!run.ok()) return refusal_of(run.problem());
  tell(call);
  return json_answer({{"pipeline", call.text("pipeline")}, {"run", *run}}, 202);
}

api_response backfill(const api_call& call) {
  if (!call.handlers().deploy) return not_scheduled();
  const auto body = body_of(call, {"from", "to", "concurrency", "param", "every", "params"});
  if (!body.ok()) return refusal_of(body.problem());
  backfill_request what{.pipeline = call.text("pipeline"), .from = {}, .to = {}, .param = {}};
  for (auto [key, into] : {std::pair{"from", &what.from}, std::pair{"to", &what.to}, std::pair{"param", &what.param}}) {
    const auto found = body->find(key);
    if (found == body->end()) continue;
    if (!found->is_string()) return refusal_of(user_error("invalid_request", std::string(key) + " must be a text"));
    *into = found->text();
  }
  if (what.from.empty() || what.to.empty())
    return refusal_of(user_error("invalid_request", "a backfill needs from and to", "days: 2024-05-01"));
  if (const auto found = body->find("concurrency"); found != body->end()) {
    if (!found->is_number_integer() || found->get<std::int64_t>() < 1 || found->get<std::int64_t>() > 100)
      return refusal_of(user_error("invalid_request", "concurrency must be a number from 1 to 100"));
    what.concurrency = found->get<std::int64_t>();
  }
  if (const auto found = body->find("every"); found != body->end()) {
    const auto time = parse_duration(found->is_string() ? found->text() : "");
    if (!time.ok() || *time < 1'000'000)
      return refusal_of(user_error("invalid_request", "every must be a duration of 1s or more", "every: 1d"));
    what.every = *time;
  }
  auto params = params_in(*body);
  if (!params.ok()) return refusal_of(params.problem());
  what.params = std::move(*params);
  const auto made = backfill_pipeline(call.store(), what, call.handlers().config_file);
  if (!made.ok()) return refusal_of(made.problem());
  tell(call);
  return json_answer({{"pipeline", what.pipeline},
                      {"backfill", made->batch},
                      {"runs", made->runs},
                      {"first", made->first},
                      {"last", made->last}},
                     202);
}

api_response list_starts(const api_call& call) {
  store::start_query query;
  query.pipeline = call.text("pipeline");
  query.batch = call.text("backfill");
  query.limit = call.number("limit");
  const auto found = store::schedules_of(call.store()).starts(query);
  if (!found.ok()) return refusal_of(found.problem());
  auto list = options::array();
  for (const auto& one : *found) list.push_back(start_to_json(one));
  return json_answer({{"starts", std::move(list)}});
}

api_response take_webhook(const api_call& call) {
  if (!call.handlers().deploy) return not_scheduled();
  const auto run = start_from_webhook(call.store(), call.text("pipeline"),
                                      {.id = call.request().header("webhook-id"),
                                       .timestamp = call.request().header("webhook-timestamp"),
                                       .signature = call.request().header("webhook-signature"),
                                       .body = call.request().body},
                                      now());
  if (!run.ok()) return refusal_of(run.problem());
  tell(call);
  return json_answer({{"pipeline", call.text("pipeline")}, {"run", *run}}, 202);
}

constexpr const char* deployed_schema = R"json({
  "type": "object",
  "required": ["pipeline", "schedule", "paused", "deployed", "waiting", "late"],
  "description": "A deployed pipeline. Times are microseconds since 1970 UTC.",
  "properties": {
    "pipeline": {"type": "string"},
    "owner": {"type": "string"},
    "file": {"type": "string"},
    "schedule": {"type": "string", "description": "in a few words"},
    "paused": {"type": "boolean"},
    "deployed": {"type": "integer", "format": "int64"},
    "next": {"type": "integer", "format": "int64", "description": "when the next run is due; missing where that is not known"},
    "last_success": {"type": "integer", "format": "int64", "description": "when a run last ended as succeeded or partial"},
    "last_end": {"type": "integer", "format": "int64"},
    "waiting": {"type": "integer", "format": "int64", "description": "starts whose runs are not there yet"},
    "late": {"type": "boolean", "description": "a run has missed its deadline, and none has succeeded since"},
    "late_due": {"type": "integer", "format": "int64", "description": "when that run was due"},
    "late_by_seconds": {"type": "integer", "format": "int64"},
    "text": {"type": "string", "description": "of a single pipeline: its file"},
    "base_folder": {"type": "string"},
    "params": {"type": "object", "additionalProperties": {"type": "string"}}
  }
})json";

constexpr const char* list_schema = R"json({
  "type": "object",
  "required": ["pipelines"],
  "properties": {"pipelines": {"type": "array", "items": {"$ref": "#/components/schemas/DeployedPipeline"}}}
})json";

constexpr const char* deployment_schema = R"json({
  "type": "object",
  "required": ["pipeline", "replaced", "schedule"],
  "properties": {
    "pipeline": {"type": "string"},
    "replaced": {"type": "boolean", "description": "there was one of that name"},
    "schedule": {"type": "string"},
    "next": {"type": "integer", "format": "int64"}
  }
})json";

constexpr const char* deleted_schema = R"json({
  "type": "object",
  "required": ["pipeline", "deleted"],
  "properties": {"pipeline": {"type": "string"}, "deleted": {"type": "boolean"}}
})json";

constexpr const char* trigger_schema = R"json({
  "type": "object",
  "additionalProperties": false,
  "properties": {"params": {"type": "object", "additionalProperties": {"type": "string"}}}
})json";

constexpr const char* triggered_schema = R"json({
  "type": "object",
  "required": ["pipeline", "run"],
  "properties": {
    "pipeline": {"type": "string"},
    "run": {"type": "string", "description": "the id that its run will have"}
  }
})json";

constexpr const char* backfill_schema = R"json({
  "type": "object",
  "required": ["from", "to"],
  "additionalProperties": false,
  "properties": {
    "from": {"type": "string", "description": "a day or time, in the schedule's time zone unless it has an offset"},
    "to": {"type": "string", "description": "likewise; it is included"},
    "concurrency": {"type": "integer", "minimum": 1, "maximum": 100, "default": 1},
    "param": {"type": "string", "description": "gets the date of each due time"},
    "every": {"type": "string", "description": "time between due times; without it those of the schedule"},
    "params": {"type": "object", "additionalProperties": {"type": "string"}}
  }
})json";

constexpr const char* backfilled_schema = R"json({
  "type": "object",
  "required": ["pipeline", "backfill", "runs", "first", "last"],
  "properties": {
    "pipeline": {"type": "string"},
    "backfill": {"type": "string", "description": "its id"},
    "runs": {"type": "integer", "format": "int64"},
    "first": {"type": "integer", "format": "int64", "description": "the first due time"},
    "last": {"type": "integer", "format": "int64"}
  }
})json";

constexpr const char* start_list_schema = R"json({
  "type": "object",
  "required": ["starts"],
  "properties": {"starts": {"type": "array", "items": {"type": "object", "required": ["number", "pipeline", "run", "due", "reason", "state"], "properties": {
    "number": {"type": "integer", "format": "int64"},
    "pipeline": {"type": "string"},
    "run": {"type": "string", "description": "the id that its run has, once it is started"},
    "due": {"type": "integer", "format": "int64"},
    "reason": {"type": "string", "enum": ["cron", "every", "after", "files", "webhook", "trigger", "backfill", "notify"]},
    "state": {"type": "string", "enum": ["waiting", "started", "skipped", "rejected", "cancelled"]},
    "created": {"type": "integer", "format": "int64"},
    "handled": {"type": "integer", "format": "int64"},
    "params": {"type": "object"},
    "parents": {"type": "array", "items": {"type": "object", "properties": {"pipeline": {"type": "string"}, "run": {"type": "string"}}}},
    "backfill": {"type": "string"},
    "deadline": {"type": "integer", "format": "int64"},
    "in_time": {"type": "boolean", "description": "whether the deadline was kept; missing before it"},
    "problem": {"type": "string", "description": "why no run was started"}}}}}
})json";

}  // namespace

route_group pipeline_routes() {
  const auto pipeline = path_text("pipeline", "the pipeline's name");
  const parameter key = {.name = "Idempotency-Key",
                         .summary = "triggering again with the same key gives the same run",
                         .in = parameter::place::header};
  return {
      .name = "pipelines",
      .routes =
          {{.method = "GET",
            .path = "/v1/pipelines",
            .id = "list_pipelines",
            .summary = "deployed pipelines with schedule, next run, last success and lateness",
            .answers = {{.summary = "All of them, by name", .schema = "DeployedPipelines"}},
            .answer = list_pipelines},
           {.method = "POST",
            .path = "/v1/pipelines",
            .id = "deploy_pipeline",
            .summary = "deploys a pipeline under its name: 201, or 200 where it replaces one; params and environment "
                       "are those of the request from now on; 422 with all faults of the file",
            .body = "Submission",
            .answers = {{.status = 201, .summary = "It is deployed", .schema = "Deployment"},
                        {.status = 200, .summary = "It replaces the one before", .schema = "Deployment"}},
            .refusals = {413, 422, 501},
            .answer = deploy},
           {.method = "GET",
            .path = "/v1/pipelines/{pipeline}",
            .id = "get_pipeline",
            .summary = "one deployed pipeline, with its file",
            .parameters = {pipeline},
            .answers = {{.summary = "The pipeline", .schema = "DeployedPipeline"}},
            .refusals = {404},
            .answer = get_pipeline},
           {.method = "DELETE",
            .path = "/v1/pipelines/{pipeline}",
            .id = "delete_pipeline",
            .summary = "deletes a deployment; its runs and their events are kept",
            .parameters = {pipeline},
            .answers = {{.summary = "It is deleted", .schema = "PipelineDeleted"}},
            .refusals = {404},
            .answer = remove},
           {.method = "POST",
            .path = "/v1/pipelines/{pipeline}/pause",
            .id = "pause_pipeline",
            .summary = "pauses the schedule: what is due meanwhile starts nothing, also not later",
            .parameters = {pipeline},
            .answers = {{.summary = "The pipeline", .schema = "DeployedPipeline"}},
            .refusals = {404},
            .answer = pause},
           {.method = "POST",
            .path = "/v1/pipelines/{pipeline}/resume",
            .id = "resume_pipeline",
            .summary = "resumes the schedule",
            .parameters = {pipeline},
            .answers = {{.summary = "The pipeline", .schema = "DeployedPipeline"}},
            .refusals = {404},
            .answer = resume},
           {.method = "POST",
            .path = "/v1/pipelines/{pipeline}/trigger",
            .id = "trigger_pipeline",
            .summary = "starts a run now: 202 with the id that it will have",
            .parameters = {pipeline, key},
            .body = "Trigger",
            .answers = {{.status = 202, .summary = "It will be started", .schema = "Triggered"}},
            .refusals = {404, 501},
            .answer = trigger},
           {.method = "POST",
            .path = "/v1/pipelines/{pipeline}/backfill",
            .id = "backfill_pipeline",
            .summary = "starts a run for each due time of the past",
            .parameters = {pipeline},
            .body = "Backfill",
            .answers = {{.status = 202, .summary = "They will be started", .schema = "Backfilled"}},
            .refusals = {404, 422, 501},
            .answer = backfill},
           {.method = "GET",
            .path = "/v1/starts",
            .id = "list_starts",
            .summary = "what schedules, triggers and backfills have started, or why they have not; the newest first",
            .parameters = {query_text("pipeline", "only of this pipeline"),
                           query_text("backfill", "only of this backfill"),
                           query_whole("limit", "most of them", "50", 1, 1000)},
            .answers = {{.summary = "The starts", .schema = "Starts"}},
            .answer = list_starts},
           {.method = "POST",
            .path = "/v1/hooks/{pipeline}",
            .id = "take_webhook",
            .summary = "starts the run of a pipeline with `schedule: { webhook: ... }`. It needs no token, but the "
                       "signature of Standard Webhooks in webhook-id, webhook-timestamp and webhook-signature; the "
                       "same id starts one run. `params` of a JSON body are params of the run",
            .parameters = {pipeline},
            .answers = {{.status = 202, .summary = "It will be started", .schema = "Triggered"}},
            .refusals = {401, 413, 422, 501},
            .open = true,
            .answer = take_webhook}},
      .schemas = {{"DeployedPipeline", deployed_schema},
                  {"DeployedPipelines", list_schema},
                  {"Deployment", deployment_schema},
                  {"PipelineDeleted", deleted_schema},
                  {"Trigger", trigger_schema},
                  {"Triggered", triggered_schema},
                  {"Backfill", backfill_schema},
                  {"Backfilled", backfilled_schema},
                  {"Starts", start_list_schema}}};
}

}  // namespace sluice::cluster
