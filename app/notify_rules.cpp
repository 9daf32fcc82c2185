#include "app/notify_request.hpp"
#include "app/planning.hpp"
#include "app/run_source.hpp"
#include "cluster/node_rules.hpp"
#include "config/node_rules.hpp"

#include <filesystem>

namespace sluice::app {

namespace {

int show_added(session& with, const options& rules) {
  std::string names;
  for (const auto& one : rules) names += (names.empty() ? "" : ", ") + one.text();
  if (with.options.json)
    with.terminal.out(options{{"rules", rules}}.dump() + "\n");
  else if (!with.options.quiet)
    with.terminal.note("in force for all pipelines: " + names + "; the events of the past are not sent\n");
  return exit_succeeded;
}

/// The file is looked at here as well, so that faults are shown in its lines, and its environment is that of the user.
result<int> add_at_node(session& with, const config::config_text& file, const std::string& folder) {
  options environment = options::object();
  diagnostics faults;
  const auto seen = [&](const std::string& name) {
    auto value = config::process_environment(name);
    if (value) environment[name] = *value;
    return value;
  };
  (void)config::read_node_rules(file, seen, folder, faults);
  if (!faults.empty()) {
    report_faults(with, faults, nullptr);
    return exit_unusable;
  }
  SLUICE_ASSIGN(const auto node, client_for(with));
  SLUICE_ASSIGN(
      const auto answer,
      node.post("/v1/subscriptions",
                {{"text", file.text}, {"file", file.file}, {"base_folder", folder}, {"environment", environment}}));
  return show_added(with, answer["rules"]);
}

}  // namespace

result<int> add_node_rules(session& with, const notify_request& what) {
  if (what.name.empty())
    return user_error("bad_arguments", "sluice notify add needs a file with channels and notify",
                      "for example: sluice notify add rules.yaml");
  SLUICE_ASSIGN(const auto file, config::read_config(what.name, "rules"));
  std::error_code ignored;
  const auto folder = std::filesystem::current_path(ignored).string();
  if (!with.options.to.empty()) return add_at_node(with, file, folder);
  SLUICE_ASSIGN(const auto store, with.open_store());
  diagnostics faults;
  const auto names = cluster::add_rules(*store, file, config::process_environment, folder, faults);
  if (!faults.empty()) {
    report_faults(with, faults, nullptr);
    return exit_unusable;
  }
  if (!names.ok()) return names.problem();
  return show_added(with, options(*names));
}

result<int> remove_node_rule(session& with, const notify_request& what) {
  auto name = what.name;
  if (name.starts_with("*/")) name = name.substr(2);
  if (name.empty())
    return user_error("bad_arguments", "sluice notify remove needs the name of a rule",
                      "sluice notify list shows them");
  if (with.options.to.empty()) {
    SLUICE_ASSIGN(const auto store, with.open_store());
    SLUICE_TRY(cluster::remove_rule(*store, name));
  } else {
    SLUICE_ASSIGN(const auto node, client_for(with));
    SLUICE_ASSIGN(const auto answer, node.remove("/v1/subscriptions/" + escaped(name)));
    (void)answer;
  }
  if (with.options.json)
    with.terminal.out(options{{"rule", name}, {"removed", true}}.dump() + "\n");
  else if (!with.options.quiet)
    with.terminal.note("the rule " + name + " is removed; what it has to send is still sent\n");
  return exit_succeeded;
}

}  // namespace sluice::app
