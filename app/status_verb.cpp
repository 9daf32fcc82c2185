#include "app/progress_view.hpp"
#include "app/run_display.hpp"
#include "app/run_follower.hpp"
#include "app/run_records.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"

#include <memory>

namespace sluice::app {

namespace {

std::string facts_of(const store::run_record& run) {
  std::string text = "started " + time_text(run.created) + ", " + ago_text(run.created);
  if (!run.node.empty() && run.node != "local") text += ", node " + run.node;
  if (run.pid != 0 && !store::is_final(run.state)) text += ", pid " + std::to_string(run.pid);
  if (!run.owner.empty()) text += ", owner " + run.owner;
  return text + "\n";
}

/// What has become of the outputs of a run whose process died after it had decided to commit them.
std::string commits_of(const session& with, const store::run_record& run) {
  if (run.state != store::run_state::committing || run.alive || !with.options.to.empty()) return {};
  std::string targets;
  if (const auto store = with.open_store(); store.ok())
    if (const auto due = (*store)->due_commits(run.id); due.ok() && !due->empty())
      for (const auto& sink : due->front().what.sinks)
        targets += "         " + printable(sink.target) + "  " + thousands(sink.rows) + " rows\n";
  return "commits  its outputs are complete, but its process has ended: some may not be visible yet\n" + targets +
         "         `sluice run`, or a node, makes them visible before it runs the pipeline again\n";
}

result<int> show(session& with, const std::string& reference) {
  SLUICE_ASSIGN(auto from, run_source::open(with));
  SLUICE_ASSIGN(const auto seen, from.find(reference));
  auto& terminal = with.terminal;
  if (with.options.json) {
    auto json = to_json(seen.record);
    if (!seen.progress.is_null()) json["progress"] = seen.progress;
    terminal.out(json.dump(2) + "\n");
    return exit_succeeded;
  }
  terminal.prose(report_of(seen.record, terminal, true));
  terminal.prose(commits_of(with, seen.record));
  terminal.prose(paint(facts_of(seen.record), style::dim, terminal.color_out()));
  if (!store::is_final(seen.record.state) && seen.progress.is_object()) {
    terminal.out("\n");
    for (const auto& line : progress_lines(view_of(seen.progress), std::min(terminal.out_width(), 120),
                                           terminal.color_out(), terminal.unicode()))
      terminal.out(line + "\n");
  }
  return exit_succeeded;
}

}  // namespace

command status_verb() {
  auto run = std::make_shared<std::string>("last");
  return {.takes = {.positionals = {{.name = "RUN",
                                     .help = "an id, a unique prefix, a pipeline or last (default: last)",
                                     .target = run.get(),
                                     .required = false,
                                     .offers = completes::run}}},
          .run = [run](session& with) { return show(with, *run); }};
}

}  // namespace sluice::app
