#include "app/planning.hpp"
#include "app/run_follower.hpp"
#include "app/run_source.hpp"
#include "app/verbs.hpp"

#include <chrono>
#include <memory>
#include <thread>

namespace sluice::app {

namespace {

struct chosen {
  std::string pipeline;
  std::vector<std::string> set;
  std::string key;
  bool wait = false;
};

/// Waits until the run exists; the error says why it was not started.
status await_start(const cluster::http_client& client, const std::string& pipeline, const std::string& run) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(10);
  while (true) {
    SLUICE_ASSIGN(const auto answer, client.get("/v1/starts?limit=1000&pipeline=" + escaped(pipeline)));
    std::string state;
    std::string problem;
    for (const auto& one : answer["starts"]) {
      if (one.value("run", "") != run) continue;
      state = one.value("state", "");
      problem = one.value("problem", "");
    }
    if (state == "started") return {};
    if (state != "waiting" || std::chrono::steady_clock::now() > limit)
      return user_error("not_started",
                        "the run was not started (" + (state.empty() ? "unknown" : state) + "): " + problem,
                        "sluice pipelines starts " + pipeline + " shows what became of starts");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

result<int> trigger(session& with, const chosen& what) {
  if (what.wait) block_stop_signals();
  SLUICE_ASSIGN(const auto params, parse_set(what.set));
  SLUICE_ASSIGN(const auto client, client_for(with));
  options body = {{"params", params}};
  SLUICE_ASSIGN(const auto answer, client.post("/v1/pipelines/" + escaped(what.pipeline) + "/trigger", body, what.key));
  const auto run = answer.value("run", "");
  if (!what.wait) {
    with.terminal.out(with.options.json ? answer.dump() + "\n" : run + "\n");
    return exit_succeeded;
  }
  SLUICE_TRY(await_start(client, what.pipeline, run));
  auto remote = with;
  if (remote.options.to.empty()) remote.options.to = "127.0.0.1:7071";
  SLUICE_ASSIGN(auto from, run_source::open(remote));
  return follow_run(with, from, run, "To watch it: sluice watch " + run + "; to stop it: sluice cancel " + run);
}

}  // namespace

command trigger_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes = {.positionals = {{.name = "PIPELINE", .help = "name of a deployed pipeline", .target = &what->pipeline}},
                .options = {set_option(what->set),
                            {.names = {"--key"},
                             .value = "KEY",
                             .help = "name of this call: sent again, it gives the same run, not a second one",
                             .target = &what->key},
                            {.names = {"--wait"},
                             .value = {},
                             .help = "wait for the end of the run and return its exit code",
                             .target = &what->wait}},
                .details = "Starts a run now, also where the schedule is paused, and prints its id. Params that are\n"
                           "not given are those of the deployment.\n"},
      .run = [what](session& with) { return trigger(with, *what); }};
}

}  // namespace sluice::app
