#include "app/run_command.hpp"

#include "app/run_records.hpp"
#include "app/run_report.hpp"
#include "app/text.hpp"
#include "config/load.hpp"
#include "engine/error/error_json.hpp"
#include "engine/values/uuid.hpp"

#include <sys/resource.h>

#include <chrono>

namespace sluice::app {

namespace {

std::int64_t now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::uint64_t own_peak_memory() {
  rusage used = {};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
}

}  // namespace

int refuse_run(session& with, const std::string& file, const diagnostics& faults, const config::document* source,
               int code, const store::event* kept) {
  if (!with.options.json) {
    report_faults(with, faults, source);
    if (faults.size() > 1) with.terminal.note(std::to_string(faults.size()) + " errors\n");
    return code;
  }
  if (kept != nullptr) {
    with.terminal.line(store::cloud_event(*kept).dump());
    return code;
  }
  options errors = options::array();
  for (const auto& fault : faults) errors.push_back(to_json(fault));
  const options event = {{"specversion", "1.0"},
                         {"id", uuid_v7()},
                         {"source", "/sluice/pipelines"},
                         {"type", "pipeline.rejected"},
                         {"subject", file},
                         {"time", utc_text(now())},
                         {"datacontenttype", "application/json"},
                         {"data", {{"file", file}, {"errors", std::move(errors)}}}};
  with.terminal.line(event.dump());
  return code;
}

std::string command_text(const run_command& what) {
  std::string text = "sluice run " + what.file;
  for (const auto& each : what.set) text += " --set " + each;
  if (!what.config.empty()) text += " --config " + what.config;
  if (what.flush) text += " --flush";
  return text;
}

void print_report(session& with, const run_command& what, const planned_pipeline& planned, const engine_result& ended) {
  if (with.options.json || ended.outcome.refused) return;
  const auto& outcome = ended.outcome;
  report_facts facts;
  facts.run = outcome.run;
  facts.pipeline = planned.what->definition.name;
  facts.state = store::to_string(outcome.state);
  facts.summary = actors::to_options(outcome);
  // What the rules have found is only there.
  if (const auto store = with.open_store(); store.ok())
    if (const auto record = (*store)->find_run(outcome.run); record.ok() && record->summary.is_object())
      facts.summary = record->summary;
  facts.peak_memory = own_peak_memory();
  auto& terminal = with.terminal;
  if (!with.options.quiet)
    terminal.note(run_report(facts, terminal.err_width(), terminal.color_err(), terminal.unicode()));
  if (outcome.cause && outcome.state != store::run_state::cancelled) {
    diagnostics cause = {*outcome.cause};
    if (planned.source) config::resolve_locations(*planned.source, cause);
    report_faults(with, cause, planned.source.get());
  }
  if (outcome.state == store::run_state::cancelled && !with.options.quiet)
    terminal.note("nothing incomplete was published; " +
                  std::string(planned.what->checkpoint_interval()
                                  ? "the same command continues after the last checkpoint, --fresh starts over: "
                                  : "to run it again: ") +
                  command_text(what) + "\n");
}

int exit_code_after(const engine_result& ended) {
  switch (ended.outcome.state) {
    case store::run_state::succeeded:
      return exit_succeeded;
    case store::run_state::partial:
      return exit_partial;
    case store::run_state::cancelled:
      return ended.signal == SIGINT ? exit_interrupted : ended.signal == SIGTERM ? exit_terminated : exit_failed;
    case store::run_state::committing:
      return exit_unknown;
    default:
      return exit_failed;
  }
}

}  // namespace sluice::app
