#include "app/run_records.hpp"
#include "app/run_report.hpp"
#include "app/run_source.hpp"
#include "app/table.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"

#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string pipeline;
  std::vector<std::string> states;
  std::int64_t limit = 20;
};

std::uint64_t sum_of(const options& summary, const char* role, const char* counter) {
  std::uint64_t sum = 0;
  if (!summary.is_object() || !summary.contains("units")) return sum;
  for (const auto& unit : summary["units"])
    if (unit.value("role", "") == role) sum += unit.value(counter, std::uint64_t{0});
  return sum;
}

std::string cause_text(const options& cause) {
  return cause.is_object() ? printable(cause.value("message", cause.value("code", ""))) : std::string{};
}

std::string duration_of(const store::run_record& run) {
  if (run.summary.is_object())
    if (const auto took = run.summary.value("duration_microseconds", 0.0); took > 0) return duration_text(took / 1e6);
  if (run.started == 0 || run.ended == 0) return {};
  return duration_text(static_cast<double>(run.ended - run.started) / 1e6);
}

result<int> list(session& with, const chosen& what) {
  SLUICE_ASSIGN(auto from, run_source::open(with));
  store::run_query query;
  query.limit = what.limit;
  if (!what.pipeline.empty()) query.pipeline = what.pipeline;
  for (const auto& state : what.states) query.states.push_back(*store::run_state_from(state));
  SLUICE_ASSIGN(const auto runs, from.list(query));
  auto& terminal = with.terminal;
  if (with.options.json) {
    options all = options::array();
    for (const auto& run : runs) all.push_back(to_json(run));
    terminal.out(all.dump(2) + "\n");
    return exit_succeeded;
  }
  if (runs.empty()) {
    if (!with.options.quiet)
      terminal.note("no runs " + (from.is_remote() ? "at " + with.options.to : "in " + with.shown_state()) + "\n");
    return exit_succeeded;
  }
  table shown({{.title = "run"},
               {.title = "pipeline", .shrink_to = 8},
               {.title = "state"},
               {.title = "began"},
               {.title = "took", .right = true, .rank = 3},
               {.title = "read", .right = true, .rank = 4},
               {.title = "loaded", .right = true, .rank = 2},
               {.title = "rejected", .right = true, .rank = 1},
               {.title = "cause", .shrink_to = 12}});
  for (const auto& run : runs) {
    const auto rejected = run.summary.is_object() ? run.summary.value("rejected", std::uint64_t{0}) : 0;
    const bool counted = run.summary.is_object() && !run.summary.empty();
    shown.add({{short_id(run.id)},
               {run.pipeline},
               {store::to_string(run.state), state_style(store::to_string(run.state))},
               {short_time_text(run.created)},
               {duration_of(run)},
               {counted ? thousands(sum_of(run.summary, "extract", "in")) : ""},
               {counted ? thousands(sum_of(run.summary, "load", "out")) : ""},
               {counted ? thousands(rejected) : "", rejected > 0 ? style::yellow : style::plain},
               {cause_text(run.cause), style::dim}});
  }
  terminal.out(shown.render(terminal.out_width(), terminal.color_out(), terminal.unicode()));
  return exit_succeeded;
}

}  // namespace

command runs_verb() {
  auto what = std::make_shared<chosen>();
  return {.takes = {.positionals = {{.name = "PIPELINE",
                                     .help = "only runs of this pipeline",
                                     .target = &what->pipeline,
                                     .required = false}},
                    .options = {{.names = {"--states"},
                                 .value = "STATE",
                                 .help = "only runs in this state; can be repeated",
                                 .target = &what->states,
                                 .choices = {"queued", "starting", "running", "draining", "committing", "paused",
                                             "restarting", "succeeded", "partial", "failed", "cancelled"}},
                                {.names = {"--limit", "-n"},
                                 .value = "N",
                                 .help = "maximum number of runs (default 20)",
                                 .target = &what->limit}}},
          .run = [what](session& with) { return list(with, *what); }};
}

}  // namespace sluice::app
