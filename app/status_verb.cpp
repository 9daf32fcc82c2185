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
  std::string text = "began " + time_text(run.created) + ", " + ago_text(run.created);
  if (!run.node.empty() && run.node != "local") text += ", node " + run.node;
  if (run.pid != 0 && !store::is_final(run.state)) text += ", pid " + std::to_string(run.pid);
  if (!run.owner.empty()) text += ", owner " + run.owner;
  return text + "\n";
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
  terminal.out(report_of(seen.record, terminal, true));
  terminal.out(paint(facts_of(seen.record), style::dim, terminal.color_out()));
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
                                     .help = "an id, a unique prefix, a pipeline or last (the default)",
                                     .target = run.get(),
                                     .required = false,
                                     .offers = completes::run}}},
          .run = [run](session& with) { return show(with, *run); }};
}

}  // namespace sluice::app
