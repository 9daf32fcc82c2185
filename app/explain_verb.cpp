#include "app/planning.hpp"
#include "app/verbs.hpp"
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

result<int> explain_file(session& with, const chosen& what) {
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
                                 .target = &what->graph}}},
          .run = [what](session& with) { return explain_file(with, *what); }};
}

}  // namespace sluice::app
