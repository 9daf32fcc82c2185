#include "app/run_follower.hpp"
#include "app/verbs.hpp"

#include <memory>

namespace sluice::app {

command watch_verb() {
  auto run = std::make_shared<std::string>("last");
  return {
      .takes = {.positionals = {{.name = "RUN",
                                 .help = "an id, a unique prefix, a pipeline or last (default: last)",
                                 .target = run.get(),
                                 .required = false,
                                 .offers = completes::run}},
                .details = "Ends when the run ends, with the same exit code. Ctrl-C detaches: the run continues.\n"},
      .run = [run](session& with) -> result<int> {
        block_stop_signals();
        SLUICE_ASSIGN(auto from, run_source::open(with));
        return follow_run(with, from, *run,
                          "To watch again: sluice watch " + *run + "; to stop it: sluice cancel " + *run);
      }};
}

}  // namespace sluice::app
