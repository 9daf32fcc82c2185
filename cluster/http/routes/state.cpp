#include "cluster/http/route.hpp"

#include <algorithm>

namespace sluice::cluster {

namespace {

/// A page of the pipelines of which something is remembered, by name.
result<std::vector<std::string>> names_of(const api_call& call, std::optional<std::string>& next) {
  if (call.given("pipeline")) return std::vector<std::string>{call.text("pipeline")};
  SLUICE_ASSIGN(auto names, call.store().pipelines_with_state());
  std::sort(names.begin(), names.end());
  names.erase(names.begin(), std::upper_bound(names.begin(), names.end(), call.text("after")));
  const auto limit = static_cast<std::size_t>(call.number("limit"));
  if (names.size() > limit) {
    names.resize(limit);
    next = names.back();
  }
  return names;
}

api_response source_states(const api_call& call) {
  std::optional<std::string> next;
  const auto names = names_of(call, next);
  if (!names.ok()) return refusal_of(names.problem());
  auto list = options::array();
  for (const auto& name : *names) {
    const auto state = call.store().sources_of(name);
    if (!state.ok()) return refusal_of(state.problem());
    if (!state->units.empty()) list.push_back(store::to_json(name, *state, call.flag("files")));
  }
  options body = {{"pipelines", std::move(list)}};
  if (next) body["next"] = *next;
  return json_answer(body);
}

api_response reset_state(const api_call& call) {
  store::state_reset what;
  what.pipeline = call.text("pipeline");
  if (call.given("unit")) what.unit = call.text("unit");
  what.positions = call.text("only") != "schema";
  what.schema = call.text("only") != "positions";
  const auto count = call.store().reset_sources(what);
  if (!count.ok()) return refusal_of(count.problem());
  return json_answer({{"pipeline", what.pipeline}, {"units", *count}});
}

constexpr const char* state_schema = R"json({
  "type": "object",
  "required": ["pipelines"],
  "properties": {
    "pipelines": {"type": "array", "items": {"type": "object", "required": ["pipeline", "version", "units"], "properties": {
      "pipeline": {"type": "string"},
      "version": {"type": "integer", "format": "int64"},
      "units": {"type": "array", "items": {"type": "object", "required": ["unit"], "properties": {
        "unit": {"type": "string"},
        "position": {"description": "how far an incremental source has read"},
        "columns": {"description": "the columns that it had"},
        "run": {"type": "string"},
        "time": {"type": "integer", "format": "int64"},
        "file_count": {"type": "integer", "format": "int64"},
        "file_bytes": {"type": "integer", "format": "int64"},
        "files": {"type": "array", "items": {"type": "object", "properties": {
          "path": {"type": "string"},
          "size": {"type": "integer", "format": "int64"},
          "modified": {"type": "integer", "format": "int64"},
          "run": {"type": "string"},
          "time": {"type": "integer", "format": "int64"}}}}}}}}}},
    "next": {"type": "string", "description": "the cursor of the next page; missing where there is none"}
  }
})json";

constexpr const char* reset_schema = R"json({
  "type": "object",
  "required": ["pipeline", "units"],
  "properties": {
    "pipeline": {"type": "string"},
    "units": {"type": "integer", "description": "units that had something to forget"}
  }
})json";

}  // namespace

route_group state_routes() {
  return {
      .name = "state",
      .routes = {{.method = "GET",
                  .path = "/v1/state",
                  .id = "get_state",
                  .summary = "the state of incremental sources, by pipeline",
                  .parameters = {query_text("pipeline", "only of this one"),
                                 query_flag("files", "with the files that were read", "false"),
                                 query_text("after", "a cursor: `next` of the page before"),
                                 query_whole("limit", "pipelines of a page", "100", 1, 1000)},
                  .answers = {{.summary = "The state", .schema = "SourceStates"}},
                  .answer = source_states},
                 {.method = "POST",
                  .path = "/v1/state/{pipeline}/reset",
                  .id = "reset_state",
                  .summary = "resets it; 409 while a run is active",
                  .parameters = {path_text("pipeline", "the pipeline's name"), query_text("unit", "only of this unit"),
                                 query_choice("only", "only the columns, or only how far it has read",
                                              {"schema", "positions"})},
                  .answers = {{.summary = "It is reset", .schema = "StateReset"}},
                  .refusals = {409},
                  .answer = reset_state}},
      .schemas = {{"SourceStates", state_schema}, {"StateReset", reset_schema}}};
}

}  // namespace sluice::cluster
