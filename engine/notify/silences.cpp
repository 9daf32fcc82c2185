#include "engine/notify/silences.hpp"

#include <algorithm>
#include <set>

namespace sluice::notify {

namespace {

result<bool> matches(const std::shared_ptr<const condition>& when, const store::event& what, const options& params) {
  if (when == nullptr) return true;
  SLUICE_ASSIGN(const auto all, when->matches({what}, {params}));
  return all.front();
}

}  // namespace

result<silence_list> silence_list::make(const options& spec, const param_types& params) {
  silence_list made;
  for (const auto& one : spec) {
    planned next;
    next.name = one.value("name", "");
    next.length = one.value("for", std::int64_t{0});
    if (const auto text = one.value("when", ""); !text.empty()) {
      diagnostics faults;
      next.when = condition::bind(text, params, {}, faults);
      if (next.when == nullptr) return faults.front();
    }
    SLUICE_ASSIGN(next.begins, schedule::cron::parse(one.value("cron", "")));
    SLUICE_ASSIGN(next.zone, zone_clock::find(one.value("timezone", "UTC")));
    made.planned_.push_back(std::move(next));
  }
  return made;
}

void silence_list::by_hand(const std::vector<store::silence>& all) {
  std::map<std::string, given> now;
  for (const auto& one : all) {
    if (const auto known = given_.find(one.id); known != given_.end()) {
      now.insert(*known);
      continue;
    }
    diagnostics faults;
    auto when = condition::bind(one.when, {}, {}, faults);
    // One that this version can't read silences nothing.
    if (when != nullptr) now.emplace(one.id, given{one, std::move(when)});
  }
  given_ = std::move(now);
}

bool silence_list::uses_params() const {
  return std::any_of(planned_.begin(), planned_.end(),
                     [](const auto& one) { return one.when && one.when->uses_params(); });
}

result<std::string> silence_list::silenced_by(const store::event& what, const options& params, std::int64_t now) {
  for (auto& one : planned_) {
    const auto begun = one.begins.next(now - one.length, one.zone);
    if (!begun || *begun > now) continue;
    SLUICE_ASSIGN(const bool hit, matches(one.when, what, params));
    if (hit) return one.name;
  }
  for (const auto& [id, one] : given_) {
    if (now < one.what.since || now >= one.what.until) continue;
    SLUICE_ASSIGN(const bool hit, matches(one.when, what, params));
    if (hit) return id;
  }
  return std::string();
}

std::vector<options> planned_silences(const std::vector<store::subscription>& of) {
  std::vector<options> all;
  std::set<std::string> seen;  // each rule of a pipeline has them
  for (const auto& subscription : of) {
    if (subscription.until || !subscription.spec.contains("silences")) continue;
    for (const auto& one : subscription.spec["silences"])
      if (seen.insert(subscription.pipeline + "/" + one.value("name", "")).second)
        all.push_back({{"name", one.value("name", "")},
                       {"pipeline", subscription.pipeline},
                       {"when", one.value("when", "")},
                       {"cron", one.value("cron", "")},
                       {"timezone", one.value("timezone", "UTC")},
                       {"for", one.value("for", std::int64_t{0})}});
  }
  return all;
}

}  // namespace sluice::notify
