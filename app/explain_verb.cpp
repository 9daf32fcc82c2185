#include "app/planning.hpp"
#include "app/run_source.hpp"
#include "app/submission_file.hpp"
#include "app/verbs.hpp"
#include "cluster/explain_placement.hpp"
#include "engine/plan/explain_graph.hpp"
#include "engine/plan/explain_json.hpp"

#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string file;
  std::vector<std::string> set;
  std::string config;
  bool graph = false;
};

/// Asks a node, which knows where the units would run.
result<int> explain_there(session& with, const chosen& what) {
  diagnostics faults;
  std::shared_ptr<const config::document> source;
  const auto made = read_submission_file(what.file, what.set, what.config, faults, source);
  if (made) {
    SLUICE_ASSIGN(const auto client, client_for(with));
    options body = {{"text", made->text}, {"file", made->file}, {"base_folder", made->base_folder}};
    body["params"] = made->params;
    body["environment"] = made->environment;
    if (!made->config_file.empty()) {
      body["config_file"] = made->config_file;
      body["config"] = made->config;
    }
    const auto plan = client.post("/v1/plan", body);
    if (plan.ok()) {
      with.terminal.out(with.options.json ? plan->dump(2) + "\n" : cluster::placement_text(*plan));
      return exit_succeeded;
    }
    if (plan.problem().to_blame != blame::user) return plan.problem();
    faults.push_back(plan.problem());
  }
  report_faults(with, faults, source.get());
  return exit_code_of(faults);
}

result<int> explain_file(session& with, const chosen& what) {
  if (!with.options.to.empty()) {
    if (what.graph)
      return user_error("bad_arguments", "--graph draws the plan, not where it runs", "leave out --to or --graph");
    return explain_there(with, what);
  }
  diagnostics faults;
  std::shared_ptr<const config::document> source;
  planning_request request;
  request.file = what.file;
  request.set = what.set;
  request.config = what.config;
  const auto planned = plan_pipeline(with, request, faults, source);
  if (!planned) {
    report_faults(with, faults, source.get());
    return exit_code_of(faults);
  }
  report_faults(with, planned->what->warnings, source.get(), "warning");
  if (what.graph)
    with.terminal.out(explain_graph(*planned->what));
  else if (with.options.json)
    with.terminal.out(explain_json(*planned->what).dump(2) + "\n");
  else
    with.terminal.prose(explain(*planned->what));
  return exit_succeeded;
}

}  // namespace

command explain_verb() {
  auto what = std::make_shared<chosen>();
  return {.takes = {.positionals = {file_argument(what->file)},
                    .options = {set_option(what->set),
                                config_option(what->config),
                                {.names = {"--graph"},
                                 .value = {},
                                 .help = "draw the units and their edges as SVG: sluice explain p.yaml --graph > p.svg",
                                 .target = &what->graph}},
                    .details = "With --to it asks that node, and says on which node each instance would run and what\n"
                               "would travel between nodes.\n"},
          .run = [what](session& with) { return explain_file(with, *what); }};
}

}  // namespace sluice::app
