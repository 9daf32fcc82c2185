#include "app/run_records.hpp"
#include "app/run_source.hpp"
#include "app/verbs.hpp"

#include <memory>

namespace sluice::app {

namespace {

result<int> cancel(session& with, const std::string& reference) {
  SLUICE_ASSIGN(auto from, run_source::open(with));
  SLUICE_ASSIGN(const auto seen, from.find(reference));
  const auto& run = seen.record;
  if (store::is_final(run.state))
    return user_error("run_is_final", "run " + short_id(run.id) + " of " + run.pipeline + " has ended (" +
                                          store::to_string(run.state) + "): there is nothing to cancel");
  const auto client = from.client_of(run);
  if (!client)
    return external_error("node_unreachable", "run " + short_id(run.id) + " has no process that could be asked",
                          "if it was submitted to a node, ask that one: --to HOST:PORT");
  SLUICE_TRY(client->cancel(run.id));
  if (with.options.json) {
    with.terminal.out(options{{"run", run.id}, {"state", "cancelling"}}.dump() + "\n");
  } else if (!with.options.quiet) {
    with.terminal.out("run " + short_id(run.id) + " of " + run.pipeline +
                      " is being cancelled; nothing unfinished will be published\n");
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
