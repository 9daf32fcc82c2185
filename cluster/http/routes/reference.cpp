#include "cluster/http/metrics_text.hpp"
#include "cluster/http/openapi.hpp"
#include "cluster/http/route.hpp"

#include "engine/component/component.hpp"
#include "engine/component/spec_json.hpp"
#include "engine/expression/expression.hpp"
#include "engine/expression/functions_json.hpp"

namespace sluice::cluster {

namespace {

api_response list_components(const api_call&) {
  options list = options::array();
  for (const auto* each : components()) list.push_back(spec_json(each->spec));
  return json_answer({{"components", std::move(list)}});
}

api_response list_functions(const api_call&) {
  options list = options::array();
  for (const auto& each : expression::functions()) list.push_back(expression::function_json(each));
  return json_answer({{"functions", std::move(list)}});
}

api_response list_nodes(const api_call& call) {
  if (!call.handlers().nodes) return not_here("belong to a cluster");
  return json_answer({{"nodes", call.handlers().nodes()}});
}

api_response set_draining(const api_call& call, bool draining) {
  if (!call.handlers().drain) return not_here("belong to a cluster");
  const auto done = call.handlers().drain(call.text("node"), draining);
  return done.ok() ? json_answer(*done) : refusal_of(done.problem());
}

api_response drain(const api_call& call) { return set_draining(call, true); }
api_response undrain(const api_call& call) { return set_draining(call, false); }

api_response metrics(const api_call& call) {
  api_response out{.content_type = "text/plain; version=0.0.4", .body = {}};
  const auto totals = call.store().totals();
  if (!totals.ok()) return refusal_of(totals.problem());
  out.body = totals_text(*totals);
  if (call.handlers().metrics) out.body += call.handlers().metrics();
  return out;
}

api_response openapi(const api_call&) { return json_answer(openapi_document()); }

constexpr const char* components_schema = R"json({
  "type": "object",
  "required": ["components"],
  "properties": {
    "components": {"type": "array", "items": {"type": "object", "required": ["name", "kind", "summary", "options"], "properties": {
      "name": {"type": "string"},
      "kind": {"type": "string", "enum": ["source", "transform", "sink", "subscriber"]},
      "summary": {"type": "string"},
      "description": {"type": "string"},
      "options": {"type": "array", "items": {"$ref": "#/components/schemas/Option"}},
      "law": {"type": "string", "description": "how its rows in and rows out add up"},
      "modes": {"type": "array", "items": {"type": "string"}},
      "delivery": {"type": "string"},
      "bounded": {"type": "boolean"},
      "replayable": {"type": "boolean"},
      "runs": {"type": "string", "enum": ["anywhere", "where_submitted"]},
      "example": {"type": "string"}}}}
  }
})json";

constexpr const char* option_schema = R"json({
  "type": "object",
  "required": ["form"],
  "properties": {
    "name": {"type": "string"},
    "form": {"type": "string", "description": "what it takes, in words"},
    "help": {"type": "string"},
    "required": {"type": "boolean"},
    "default": {},
    "choices": {"type": "array", "items": {"type": "string"}},
    "fields": {"type": "array", "items": {"$ref": "#/components/schemas/Option"}},
    "alternatives": {"type": "array", "items": {"$ref": "#/components/schemas/Option"}}
  }
})json";

constexpr const char* functions_schema = R"json({
  "type": "object",
  "required": ["functions"],
  "properties": {
    "functions": {"type": "array", "items": {"type": "object", "required": ["name", "kind", "signature", "summary"], "properties": {
      "name": {"type": "string"},
      "kind": {"type": "string"},
      "signature": {"type": "string"},
      "summary": {"type": "string"},
      "example": {"type": "string"},
      "result": {"type": "string", "description": "what the example gives"},
      "over": {"type": "string", "description": "aggregates: the rows that the example is computed over"}}}}
  }
})json";

constexpr const char* nodes_schema = R"json({
  "type": "object",
  "required": ["nodes"],
  "properties": {
    "nodes": {"type": "array", "items": {"type": "object", "required": ["name", "role", "http"], "properties": {
      "name": {"type": "string"},
      "role": {"type": "string", "enum": ["controller", "worker", "both"]},
      "state": {"type": "string", "enum": ["joining", "ready", "suspect", "draining", "lost", ""],
                "description": "empty where the node asked does not know"},
      "version": {"type": "string"},
      "load_percent": {"type": "integer", "description": "load average of the last minute, of all its cores"},
      "memory": {"type": "integer", "format": "int64", "description": "bytes of its process"},
      "units": {"type": "integer", "description": "instances of units that work there"},
      "runs": {"type": "integer", "description": "runs that have a part there"},
      "shares_runs": {"type": "boolean", "description": "it sees the controller's folder of runs"},
      "lost": {"type": "integer", "format": "int64", "description": "when it was lost"},
      "how": {"type": "string", "description": "what is known of its end"},
      "pid": {"type": "integer", "format": "int64"},
      "cluster": {"type": "string", "description": "HOST:PORT for other nodes"},
      "http": {"type": "string", "description": "HOST:PORT of its API"},
      "labels": {"type": "object", "additionalProperties": {"type": "string"}},
      "started": {"type": "integer", "format": "int64", "description": "microseconds since 1970 UTC"}}}}
  }
})json";

api_response tell_identity(const api_call& call) {
  if (!call.caller) return not_here("know tokens");
  return json_answer({{"name", call.caller->name}, {"role", to_string(call.caller->role)}});
}

constexpr const char* identity_schema = R"json({
  "type": "object",
  "required": ["name", "role"],
  "properties": {"name": {"type": "string"}, "role": {"type": "string", "enum": ["viewer", "operator", "admin"]}}
})json";

constexpr const char* drained_schema = R"json({
  "type": "object",
  "required": ["node", "draining", "moving", "staying"],
  "properties": {
    "node": {"type": "string"},
    "draining": {"type": "boolean"},
    "moving": {"type": "array", "items": {"type": "string"}, "description": "runs that continue elsewhere, after a checkpoint"},
    "staying": {"type": "array", "items": {"type": "string"}, "description": "runs without checkpoints, which end there"}}
})json";

}  // namespace

route_group reference_routes() {
  return {
      .name = "reference",
      .routes = {{.method = "GET",
                  .path = "/v1/nodes",
                  .id = "list_nodes",
                  .summary = "the nodes of the cluster, the first node first",
                  .answers = {{.summary = "The nodes", .schema = "NodeList"}},
                  .refusals = {501},
                  .answer = list_nodes},
                 {.method = "POST",
                  .path = "/v1/nodes/{node}/drain",
                  .id = "drain_node",
                  .summary =
                      "a node takes no new work, and its runs with checkpoints continue elsewhere; `node.drained` "
                      "tells that nothing works on it any more",
                  .parameters = {path_text("node", "its name")},
                  .answers = {{.summary = "What happens to its runs", .schema = "DrainedNode"}},
                  .refusals = {404, 422, 501},
                  .role = access_role::admin,
                  .answer = drain},
                 {.method = "POST",
                  .path = "/v1/nodes/{node}/undrain",
                  .id = "undrain_node",
                  .summary = "a node that was drained takes work again",
                  .parameters = {path_text("node", "its name")},
                  .answers = {{.summary = "The node", .schema = "DrainedNode"}},
                  .refusals = {404, 501},
                  .role = access_role::admin,
                  .answer = undrain},
                 {.method = "GET",
                  .path = "/v1/identity",
                  .id = "get_identity",
                  .summary = "whose token it is, and what it allows",
                  .answers = {{.summary = "The token's name and role", .schema = "Identity"}},
                  .answer = tell_identity},
                 {.method = "GET",
                  .path = "/v1/components",
                  .id = "list_components",
                  .summary = "sources, transforms and sinks with their options",
                  .answers = {{.summary = "The components", .schema = "ComponentList"}},
                  .answer = list_components},
                 {.method = "GET",
                  .path = "/v1/functions",
                  .id = "list_functions",
                  .summary = "the functions of expressions",
                  .answers = {{.summary = "The functions", .schema = "FunctionList"}},
                  .answer = list_functions},
                 {.method = "GET",
                  .path = "/v1/openapi.json",
                  .id = "get_openapi",
                  .summary = "this API as OpenAPI 3.1, which `sluice openapi` prints too",
                  .answers = {{.summary = "The document", .schema = "OpenApiDocument"}},
                  .answer = openapi},
                 {.method = "GET",
                  .path = "/metrics",
                  .id = "get_metrics",
                  .summary = "Prometheus text, [below](#metrics): runs by state; of each pipeline the last success, "
                             "duration and totals; rows, bytes and batches of the units of active runs; memory in "
                             "batches; batches that wait for a link",
                  .answers = {{.summary = "Prometheus text", .content_type = "text/plain"}},
                  .answer = metrics}},
      .schemas = {{"NodeList", nodes_schema},
                  {"Identity", identity_schema},
                  {"DrainedNode", drained_schema},
                  {"ComponentList", components_schema},
                  {"Option", option_schema},
                  {"FunctionList", functions_schema},
                  {"OpenApiDocument", R"json({"type": "object", "additionalProperties": true})json"}}};
}

}  // namespace sluice::cluster
