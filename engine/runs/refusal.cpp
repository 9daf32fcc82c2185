#include "engine/runs/refusal.hpp"

#include "engine/error/error_json.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice {

namespace {

/// Faults that are kept with the event; a file of nothing but faults would fill the log.
constexpr std::size_t most_faults = 20;

options cause_of(const error& problem) {
  auto where = problem.where;
  if (problem.at.line > 0)
    where = problem.at.file + ":" + std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column);
  return {{"code", problem.code},
          {"message", problem.message},
          {"hint", problem.hint},
          {"where", std::move(where)},
          {"path", problem.path}};
}

}  // namespace

bool concerns_pipeline(const error& problem) {
  // What was asked for was wrong, or came at a wrong time or to a wrong place: the pipeline may be as good as ever.
  static constexpr std::array<std::string_view, 8> others = {
      "bad_arguments",      "cancelled",         "idempotency_key_reused", "invalid_request",
      "not_the_first_node", "request_timed_out", "shutting_down",          "submission_in_progress"};
  return std::find(others.begin(), others.end(), problem.code) == others.end();
}

store::event refusal_event(const std::string& pipeline, options more, const diagnostics& faults) {
  store::event made;
  made.type = faults.front().code == "already_running" ? "run.skipped" : "pipeline.rejected";
  made.data = std::move(more);
  if (!pipeline.empty()) made.data["pipeline"] = pipeline;
  made.data["cause"] = cause_of(faults.front());
  options all = options::array();
  for (std::size_t at = 0; at < std::min(faults.size(), most_faults); ++at) all.push_back(to_json(faults[at]));
  made.data["errors"] = std::move(all);
  return made;
}

}  // namespace sluice
