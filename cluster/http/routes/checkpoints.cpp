#include "cluster/http/route.hpp"

#include <string>

namespace sluice::cluster {

namespace {

/// Tells a live run to drain, to pause, to go on, to take a savepoint or to scale a unit: `how` begins with which.
api_response steer(const api_call& call, const std::string& how) {
  const auto found = call.store().find_run(call.text("run"));
  if (!found.ok()) return refusal_of(found.problem());
  if (store::is_final(found->state))
    return api::refuse(409,
                       user_error("run_is_final", "run " + found->id + " has ended (" + store::to_string(found->state) +
                                                      "): there is nothing to " + how.substr(0, how.find(' '))));
  if (!call.handlers().steer) return not_here("run pipelines");
  auto told = call.handlers().steer(found->id, how);
  if (!told.ok())
    return told.problem().to_blame == blame::user ? api::refuse(409, told.problem()) : refusal_of(told.problem());
  if (told->is_null())
    return api::refuse(409, user_error("run_elsewhere", "run " + found->id + " does not belong to this process",
                                       found->endpoint.empty() ? "" : "ask the process at " + found->endpoint));
  (*told)["run"] = found->id;
  (*told)["pipeline"] = found->pipeline;
  return json_answer(*told, 202);
}

api_response scale_run(const api_call& call) {
  const auto unit = call.text("unit");
  // A default would take instances away from whoever forgets it.
  if (unit.empty() || call.text("instances").empty())
    return api::refuse(400,
                       user_error("invalid_query", "unit and instances must be given", "scale?unit=NAME&instances=N"));
  if (unit.find(' ') != std::string::npos)
    return api::refuse(409,
                       user_error("unknown_unit", "the run has no unit '" + unit + "'", "scale?unit=NAME&instances=N"));
  return steer(call, "scale " + unit + " " + std::to_string(call.number("instances")));
}

api_response drain_run(const api_call& call) { return steer(call, call.flag("flush") ? "flush" : "drain"); }

api_response take_savepoint(const api_call& call) { return steer(call, "savepoint"); }

api_response pause_run(const api_call& call) { return steer(call, "pause"); }

api_response resume_run(const api_call& call) { return steer(call, "resume"); }

api_response list_checkpoints(const api_call& call) {
  const auto found = call.store().find_run(call.text("run"));
  if (!found.ok()) return refusal_of(found.problem());
  const auto all = call.store().checkpoints(found->id);
  if (!all.ok()) return refusal_of(all.problem());
  auto list = options::array();
  for (const auto& one : *all) list.push_back(store::summary_of(one));
  return json_answer({{"run", found->id}, {"pipeline", found->pipeline}, {"checkpoints", std::move(list)}});
}

constexpr const char* steered_schema = R"json({
  "type": "object",
  "required": ["run", "pipeline", "told"],
  "properties": {
    "run": {"type": "string"},
    "pipeline": {"type": "string"},
    "told": {"type": "string", "enum": ["drain", "savepoint", "pause", "resume", "scale"]},
    "epoch": {"type": "integer", "format": "int64", "description": "the checkpoint that is kept as a savepoint, or after which the run waits"}
  }
})json";

constexpr const char* checkpoint_list_schema = R"json({
  "type": "object",
  "required": ["run", "pipeline", "checkpoints"],
  "properties": {
    "run": {"type": "string"},
    "pipeline": {"type": "string"},
    "checkpoints": {"type": "array", "items": {"type": "object", "required": ["epoch"], "properties": {
      "epoch": {"type": "integer", "format": "int64"},
      "completed": {"type": "integer", "format": "int64", "description": "microseconds since 1970 UTC"},
      "committed": {"type": "integer", "format": "int64", "description": "microseconds since 1970 UTC; 0: not yet"},
      "visible": {"type": "boolean", "description": "whether every sink shows it"},
      "savepoint": {"type": "boolean"},
      "state_bytes": {"type": "integer", "format": "int64"},
      "rows_held": {"type": "integer", "format": "int64", "description": "rows in the state of transforms"},
      "sinks": {"type": "array", "items": {"type": "object"}},
      "sources": {"type": "object"}
    }}}
  }
})json";

}  // namespace

route_group checkpoint_routes() {
  const auto run = path_text("run", "a run's id, a unique prefix of one, a pipeline's name (its newest run) or `last`");
  return {
      .name = "checkpoints",
      .routes = {{.method = "GET",
                  .path = "/v1/runs/{run}/checkpoints",
                  .id = "list_checkpoints",
                  .summary = "the checkpoints of a run that are kept, the newest first",
                  .parameters = {run},
                  .answers = {{.summary = "The checkpoints", .schema = "CheckpointList"}},
                  .refusals = {404, 409},
                  .answer = list_checkpoints},
                 {.method = "POST",
                  .path = "/v1/runs/{run}/drain",
                  .id = "drain_run",
                  .summary = "ends a run at a checkpoint; a run without end then has succeeded",
                  .parameters = {run, query_flag("flush", "emit open windows before the checkpoint", "false")},
                  .answers = {{.status = 202, .summary = "It is told to drain", .schema = "Steered"}},
                  .refusals = {404, 409, 501},
                  .answer = drain_run},
                 {.method = "POST",
                  .path = "/v1/runs/{run}/pause",
                  .id = "pause_run",
                  .summary = "stops the units of a run after a checkpoint until it is resumed",
                  .parameters = {run},
                  .answers = {{.status = 202, .summary = "It is told to pause", .schema = "Steered"}},
                  .refusals = {404, 409, 501},
                  .answer = pause_run},
                 {.method = "POST",
                  .path = "/v1/runs/{run}/resume",
                  .id = "resume_run",
                  .summary = "continues a paused run after its checkpoint",
                  .parameters = {run},
                  .answers = {{.status = 202, .summary = "It continues", .schema = "Steered"}},
                  .refusals = {404, 409, 501},
                  .answer = resume_run},
                 {.method = "POST",
                  .path = "/v1/runs/{run}/savepoint",
                  .id = "take_savepoint",
                  .summary = "takes a checkpoint that is kept until it is removed by hand",
                  .parameters = {run},
                  .answers = {{.status = 202, .summary = "It is being taken", .schema = "Steered"}},
                  .refusals = {404, 409, 501},
                  .answer = take_savepoint},
                 {.method = "POST",
                  .path = "/v1/runs/{run}/scale",
                  .id = "scale_run",
                  .summary = "gives a transform of a run another number of instances from its next checkpoint on",
                  .parameters = {run, query_text("unit", "the transform"),
                                 query_whole("instances", "how many; must be given", "", 1, 1024)},
                  .answers = {{.status = 202, .summary = "It is scaled at its next checkpoint", .schema = "Steered"}},
                  .refusals = {404, 409, 501},
                  .answer = scale_run}},
      .schemas = {{"Steered", steered_schema}, {"CheckpointList", checkpoint_list_schema}}};
}

}  // namespace sluice::cluster
