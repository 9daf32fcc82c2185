#include "engine/notify/inhibition.hpp"

#include <algorithm>

namespace sluice::notify {

namespace {

/// Different troubles that are remembered; above that the oldest are forgotten.
constexpr std::size_t most_muted = 1000;

std::string text_at(const options& in, const char* name) {
  if (!in.is_object()) return {};
  const auto found = in.find(name);
  return found != in.end() && found->is_string() ? found->text() : std::string();
}

std::string value_of(const store::event& what, const std::string& key) {
  if (key == "node") return node_of(what);
  if (key == "pipeline") return what.pipeline;
  if (key == "owner") return what.owner;
  if (key == "run") return what.run;
  if (key == "unit") return what.unit;
  return text_at(what.data, "channel");
}

/// Empty where a value is missing: nothing is the same as nothing.
std::string key_of(const store::event& what, const std::vector<std::string>& same) {
  std::string key = "=";
  for (const auto& name : same) {
    const auto value = value_of(what, name);
    if (value.empty()) return {};
    key += value + "|";
  }
  return key;
}

std::string name_of(const store::event& what, const std::vector<std::string>& same) {
  std::string name = what.type;
  for (const auto& key : same) name += (name == what.type ? " of " : ", ") + value_of(what, key);
  return name;
}

}  // namespace

const std::vector<std::string>& inhibition_keys() {
  static const std::vector<std::string> all = {"node", "pipeline", "owner", "run", "unit", "channel"};
  return all;
}

std::string node_of(const store::event& what) {
  auto node = text_at(what.data, "node");
  if (node.empty()) node = text_at(what.data, "name");
  if (!node.empty() || !what.data.is_object() || !what.data.contains("cause")) return node;
  const auto where = text_at(what.data["cause"], "where");
  return where.starts_with("node ") ? where.substr(5) : std::string();
}

result<inhibition> inhibition::make(const options& spec, const param_types& params, const options& state) {
  inhibition made;
  for (const auto& one : spec) {
    diagnostics faults;
    one_rule rule{.by = condition::bind(text_at(one, "by"), params, {}, faults)};
    if (rule.by == nullptr) return faults.front();
    if (one.contains("same"))
      for (const auto& key : one["same"]) rule.same.push_back(key.text());
    rule.length = one.value("for", std::int64_t{0});
    made.rules_.push_back(std::move(rule));
  }
  made.muted_.resize(made.rules_.size());
  for (std::size_t at = 0; at < made.muted_.size() && at < state.size(); ++at)
    for (const auto& [key, one] : state[at].items())
      made.muted_[at][key] = {one.value("since", std::int64_t{0}), one.value("until", std::int64_t{0}),
                              text_at(one, "name")};
  return made;
}

bool inhibition::uses_params() const {
  return std::any_of(rules_.begin(), rules_.end(), [](const auto& one) { return one.by->uses_params(); });
}

result<std::vector<std::vector<bool>>> inhibition::muting(const std::vector<store::event>& events,
                                                          const std::vector<options>& params) const {
  std::vector<std::vector<bool>> all;
  for (const auto& one : rules_) {
    SLUICE_ASSIGN(auto found, one.by->matches(events, params));
    all.push_back(std::move(found));
  }
  return all;
}

void inhibition::note(const store::event& what, const std::vector<std::vector<bool>>& muting, std::size_t number) {
  for (std::size_t at = 0; at < rules_.size(); ++at) {
    if (!muting[at][number]) continue;
    const auto key = key_of(what, rules_[at].same);
    if (key.empty()) continue;
    auto& all = muted_[at];
    for (auto one = all.begin(); one != all.end();)
      one = one->second.until < what.time || all.size() >= most_muted ? all.erase(one) : std::next(one);
    all[key] = {what.time, what.time + rules_[at].length, name_of(what, rules_[at].same)};
  }
}

std::string inhibition::muted_by(const store::event& what, const std::vector<std::vector<bool>>& muting,
                                 std::size_t number) const {
  for (std::size_t at = 0; at < rules_.size(); ++at) {
    if (muting[at][number]) return {};
    const auto key = key_of(what, rules_[at].same);
    const auto found = muted_[at].find(key);
    if (!key.empty() && found != muted_[at].end() && what.time <= found->second.until) return found->second.name;
  }
  return {};
}

options inhibition::state() const {
  auto all = options::array();
  for (const auto& rule : muted_) {
    options made = options::object();
    for (const auto& [key, one] : rule)
      made[key] = options{{"since", one.since}, {"until", one.until}, {"name", one.name}};
    all.push_back(std::move(made));
  }
  return all;
}

}  // namespace sluice::notify
