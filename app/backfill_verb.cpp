#include "app/params_file.hpp"
#include "app/planning.hpp"
#include "app/run_source.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"

#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string pipeline;
  std::string from;
  std::string to;
  std::string param;
  std::string params;
  std::string every;
  std::string node;
  std::int64_t concurrency = 1;
  std::vector<std::string> set;
};

result<int> backfill(session& with, chosen& what) {
  if (what.from.empty() || what.to.empty())
    return user_error("bad_arguments", "sluice backfill needs --from and --to", "--from 2024-05-01 --to 2024-05-31");
  if (what.param.empty() != what.every.empty())
    return user_error("bad_arguments", "--param and --every belong together", "--param day --every 1d");
  SLUICE_TRY(add_params(what.set, what.params));
  SLUICE_ASSIGN(const auto params, parse_set(what.set));
  auto at_node = with;
  if (!what.node.empty()) at_node.options.to = what.node;
  SLUICE_ASSIGN(const auto client, client_for(at_node));
  options body = {{"from", what.from}, {"to", what.to}, {"concurrency", what.concurrency}, {"params", params}};
  if (!what.param.empty()) body["param"] = what.param;
  if (!what.every.empty()) body["every"] = what.every;
  SLUICE_ASSIGN(const auto answer, client.post("/v1/pipelines/" + escaped(what.pipeline) + "/backfill", body));
  if (with.options.json) {
    with.terminal.out(answer.dump() + "\n");
    return exit_succeeded;
  }
  const auto runs = answer.value("runs", std::uint64_t{0});
  with.terminal.out(answer.value("backfill", "") + "\n");
  if (!with.options.quiet)
    with.terminal.note(thousands(runs) + (runs == 1 ? " run" : " runs") + ", due from " +
                       time_text(answer.value("first", std::int64_t{0})) + " to " +
                       time_text(answer.value("last", std::int64_t{0})) + "; sluice pipelines starts " + what.pipeline +
                       " shows how far they are\n");
  return exit_succeeded;
}

}  // namespace

command backfill_verb() {
  auto what = std::make_shared<chosen>();
  return {
      .takes =
          {.positionals = {{.name = "PIPELINE", .help = "name of a deployed pipeline", .target = &what->pipeline}},
           .options = {{.names = {"--from"},
                        .value = "TIME",
                        .help = "first due time: a day or a time, in the schedule's time zone",
                        .target = &what->from},
                       {.names = {"--to"}, .value = "TIME", .help = "last due time, included", .target = &what->to},
                       {.names = {"--concurrency"},
                        .value = "N",
                        .help = "runs at a time (default 1)",
                        .target = &what->concurrency},
                       {.names = {"--param"},
                        .value = "NAME",
                        .help = "param that gets the date of each due time; with --every",
                        .target = &what->param},
                       {.names = {"--every"},
                        .value = "DURATION",
                        .help = "time between due times, in place of those of the schedule",
                        .target = &what->every},
                       {.names = {"--node"},
                        .value = "HOST:PORT",
                        .help = "HTTP address of the node to use (SLUICE_TO); --to is a time here",
                        .target = &what->node},
                       set_option(what->set),
                       params_option(what->params)},
           .details = "Starts a run for each due time of the schedule between two times, the oldest first. Deadlines\n"
                      "do not hold for them. Pipelines whose sources remember what was read are refused.\n"
                      "Prints the id of the backfill.\n"},
      .run = [what](session& with) { return backfill(with, *what); }};
}

}  // namespace sluice::app
