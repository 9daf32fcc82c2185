#include "app/params_file.hpp"
#include "app/planning.hpp"
#include "app/run_follower.hpp"
#include "app/submission_file.hpp"
#include "app/verbs.hpp"

#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string file;
  std::vector<std::string> set;
  std::string params;
  std::string config;
  bool wait = false;
  bool fresh = false;
  std::string from;
  bool again = false;
  std::vector<std::string> drop;
  std::string key;
};

result<int> submit(session& with, chosen& what) {
  SLUICE_TRY(add_params(what.set, what.params));
  block_stop_signals();
  diagnostics faults;
  std::shared_ptr<const config::document> source;
  auto made = read_submission_file(what.file, what.set, what.config, faults, source);
  if (!made) {
    report_faults(with, faults, source.get());
    return exit_code_of(faults);
  }
  made->fresh = what.fresh;
  made->from = what.from;
  made->again = what.again;
  made->drop = what.drop;
  made->key = what.key;
  SLUICE_ASSIGN(const auto client, client_for(with));
  const auto run = client.submit(*made, faults);
  if (!faults.empty()) {
    report_faults(with, faults, source.get());
    return exit_code_of(faults);
  }
  if (!run.ok()) return run.problem();
  if (!what.wait) {
    with.terminal.out(with.options.json ? options{{"run", *run}}.dump() + "\n" : *run + "\n");
    return exit_succeeded;
  }
  auto remote = with;
  if (remote.options.to.empty()) remote.options.to = "127.0.0.1:7071";
  SLUICE_ASSIGN(auto from, run_source::open(remote));
  const auto to = with.options.to.empty() ? std::string{} : " --to " + with.options.to;
  return follow_run(with, from, *run,
                    "To watch it: sluice watch " + *run + to + "; to stop it: sluice cancel " + *run + to);
}

}  // namespace

command submit_verb() {
  auto what = std::make_shared<chosen>();
  return {.takes = {.positionals = {file_argument(what->file)},
                    .options = {set_option(what->set),
                                params_option(what->params),
                                config_option(what->config),
                                {.names = {"--wait"},
                                 .value = {},
                                 .help = "wait for the end of the run and return its exit code",
                                 .target = &what->wait},
                                {.names = {"--fresh"},
                                 .value = {},
                                 .help = "load everything again, also what earlier runs have loaded (incremental)",
                                 .target = &what->fresh},
                                from_option(what->from),
                                again_option(what->again),
                                drop_state_option(what->drop),
                                {.names = {"--key"},
                                 .value = "KEY",
                                 .help = "name of this submission: sent again, it gives the same run, not a second one",
                                 .target = &what->key}},
                    .details = "Prints the run's id. The node is --to or SLUICE_TO, else 127.0.0.1:7071.\n"
                               "Relative paths are relative to the current folder.\n"},
          .run = [what](session& with) { return submit(with, *what); }};
}

}  // namespace sluice::app
