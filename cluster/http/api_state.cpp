#include "cluster/http/api.hpp"

namespace sluice::cluster {

namespace {

int status_of(const error& problem) {
  if (problem.code == "already_running") return 409;
  return problem.to_blame == blame::user ? 422 : 503;
}

api_response json_answer(const options& body) { return {.status = 200, .body = body.dump() + "\n"}; }

std::string query_of(const api_request& request, const char* name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string() : found->second;
}

}  // namespace

api_response api::source_states(const api_request& request) const {
  std::vector<std::string> names;
  if (const auto pipeline = query_of(request, "pipeline"); !pipeline.empty()) {
    names.push_back(pipeline);
  } else {
    auto all = handlers_.store->pipelines_with_state();
    if (!all.ok()) return refuse(status_of(all.problem()), all.problem());
    names = std::move(*all);
  }
  auto list = options::array();
  for (const auto& name : names) {
    const auto state = handlers_.store->sources_of(name);
    if (!state.ok()) return refuse(status_of(state.problem()), state.problem());
    if (!state->units.empty()) list.push_back(store::to_json(name, *state, query_of(request, "files") == "true"));
  }
  return json_answer({{"pipelines", list}});
}

api_response api::reset_state(const std::string& pipeline, const api_request& request) const {
  store::state_reset what;
  what.pipeline = pipeline;
  if (const auto unit = query_of(request, "unit"); !unit.empty()) what.unit = unit;
  const auto only = query_of(request, "only");
  if (!only.empty() && only != "schema" && only != "positions")
    return refuse(400, user_error("invalid_query", "only must be schema or positions, found '" + only + "'"));
  what.positions = only != "schema";
  what.schema = only != "positions";
  const auto count = handlers_.store->reset_sources(what);
  if (!count.ok()) return refuse(status_of(count.problem()), count.problem());
  return json_answer({{"pipeline", pipeline}, {"units", *count}});
}

}  // namespace sluice::cluster
