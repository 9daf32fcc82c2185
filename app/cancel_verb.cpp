#include "app/run_records.hpp"
#include "app/run_source.hpp"
#include "app/verbs.hpp"

#include <memory>

namespace sluice::app {

namespace {

result<int> cancel(session& with, const std::string& reference) {
  SLUICE_ASSIGN(auto from, run_source::open(with));
  SLUICE_ASSIGN(const auto told, from.cancel(reference));
  const auto id = told.value("run", reference);
  const auto state = told.value("state", "cancelling");
  const auto pipeline = told.value("pipeline", "");
  const auto name = "run " + short_id(id) + (pipeline.empty() ? "" : " of " + pipeline);
  if (state != "cancelling")
    return user_error("run_is_final", name + " has ended (" + state + "): there is nothing to cancel");
  if (with.options.json) {
    with.terminal.out(options{{"run", id}, {"state", state}}.dump() + "\n");
  } else if (!with.options.quiet) {
    with.terminal.prose(name + " is being cancelled; nothing incomplete will be published\n");
  }
  return exit_succeeded;
}

}  // namespace

command cancel_verb() {
  auto run = std::make_shared<std::string>();
  return {.takes = {.positionals = {{.name = "RUN",
                                     .help = "an id, a unique prefix, a pipeline or last",
                                     .target = run.get(),
                                     .offers = completes::run}}},
          .run = [run](session& with) { return cancel(with, *run); }};
}

}  // namespace sluice::app
