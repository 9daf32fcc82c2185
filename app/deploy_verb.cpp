#include "app/params_file.hpp"
#include "app/planning.hpp"
#include "app/run_source.hpp"
#include "app/submission_file.hpp"
#include "app/text.hpp"
#include "app/verbs.hpp"

#include <memory>

namespace sluice::app {

namespace {

struct chosen {
  std::string file;
  std::vector<std::string> set;
  std::string params;
  std::string config;
};

result<int> deploy(session& with, chosen& what) {
  SLUICE_TRY(add_params(what.set, what.params));
  diagnostics faults;
  std::shared_ptr<const config::document> source;
  const auto made = read_submission_file(what.file, what.set, what.config, faults, source);
  if (!made) {
    report_faults(with, faults, source.get());
    return exit_code_of(faults);
  }
  SLUICE_ASSIGN(const auto client, client_for(with));
  const auto answer = client.deploy(*made, faults);
  if (!faults.empty()) {
    report_faults(with, faults, source.get());
    return exit_code_of(faults);
  }
  if (!answer.ok()) return answer.problem();
  if (with.options.json) {
    with.terminal.out(answer->dump() + "\n");
    return exit_succeeded;
  }
  const auto next = answer->value("next", std::int64_t{0});
  with.terminal.out(answer->value("pipeline", "") +
                    (answer->value("replaced", false) ? " is replaced" : " is deployed") + ": " +
                    answer->value("schedule", "") + (next > 0 ? ", next run " + time_text(next) : "") + "\n");
  return exit_succeeded;
}

}  // namespace

command deploy_verb() {
  auto what = std::make_shared<chosen>();
  return {.takes = {.positionals = {file_argument(what->file)},
                    .options = {set_option(what->set), params_option(what->params), config_option(what->config)},
                    .details =
                        "The node keeps the file, the params of --set and the values of the variables that the file\n"
                        "refers to, and starts runs by its schedule. Secrets are read at each run. Relative paths are\n"
                        "relative to the current folder. Deploying again replaces the pipeline of the same name.\n"
                        "The node is --to or SLUICE_TO, else 127.0.0.1:7071.\n"},
          .run = [what](session& with) { return deploy(with, *what); }};
}

}  // namespace sluice::app
