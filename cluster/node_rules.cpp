#include "cluster/node_rules.hpp"

#include "config/node_rules.hpp"
#include "engine/error/names.hpp"
#include "engine/store/subscription_log.hpp"

#include <algorithm>
#include <filesystem>

namespace sluice::cluster {

namespace {

constexpr const char* by_hand = "managed";

bool is_managed(const store::subscription& one) { return one.spec.is_object() && one.spec.value(by_hand, false); }

/// Those of all pipelines that go on.
result<std::vector<store::subscription>> rules_of_node(store::store& in) {
  SLUICE_ASSIGN(auto all, store::deliveries_of(in).subscriptions());
  all.erase(std::remove_if(all.begin(), all.end(),
                           [](const auto& one) { return one.pipeline != store::every_pipeline || one.until; }),
            all.end());
  return all;
}

error of_config(const std::string& name) {
  return user_error("rule_of_config", "the rule " + name + " is in the node's file of --config",
                    "change it there and start the node again, or use another name");
}

}  // namespace

status register_node_rules(store::store& in, const std::string& config_file) {
  std::vector<store::subscription> now;
  if (!config_file.empty()) {
    SLUICE_ASSIGN(const auto text, config::read_config(config_file));
    diagnostics faults;
    std::error_code ignored;
    now = config::read_node_rules(text, config::process_environment, std::filesystem::current_path(ignored).string(),
                                  faults);
    if (!faults.empty()) return faults.front();
  }
  SLUICE_ASSIGN(const auto before, rules_of_node(in));
  for (const auto& one : before) {
    const bool taken = std::any_of(now.begin(), now.end(), [&](const auto& each) { return each.id == one.id; });
    if (is_managed(one) && !taken) now.push_back(one);
  }
  if (now.empty() && before.empty()) return {};
  return store::deliveries_of(in).subscribe(store::every_pipeline, now);
}

result<std::vector<std::string>> add_rules(store::store& in, const config::config_text& file,
                                           const config::environment_lookup& environment, const std::string& folder,
                                           diagnostics& faults) {
  auto rules = config::read_node_rules(file, environment, folder, faults);
  if (!faults.empty()) return faults.front();
  if (rules.empty())
    return user_error("missing_key", file.file + " has no rule",
                      "notify: [{ name: oncall, when: \"severity = 'error' and final\", to: [pager] }]");
  SLUICE_ASSIGN(const auto before, rules_of_node(in));
  std::vector<std::string> names;
  for (auto& rule : rules) {
    for (const auto& one : before)
      if (one.id == rule.id && !is_managed(one)) return of_config(rule.name);
    rule.spec[by_hand] = true;
    names.push_back(rule.name);
  }
  for (const auto& rule : rules) SLUICE_TRY(store::subscriptions_of(in).put_subscription(rule));
  return names;
}

status remove_rule(store::store& in, const std::string& name) {
  SLUICE_ASSIGN(const auto all, rules_of_node(in));
  std::vector<std::string> known;
  for (const auto& one : all) {
    if (one.name == name && !is_managed(one)) return of_config(name);
    if (is_managed(one)) known.push_back(one.name);
  }
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    const auto near = nearest_name(name, known);
    return user_error("unknown_subscription", "there is no rule " + name + " that was added by hand",
                      near.empty() ? "rules of pipelines are in their files; sluice notify list shows all"
                                   : "did you mean " + near + "?");
  }
  SLUICE_ASSIGN(const bool ended,
                store::subscriptions_of(in).end_subscription(std::string(store::every_pipeline) + "/" + name));
  (void)ended;
  return {};
}

}  // namespace sluice::cluster
