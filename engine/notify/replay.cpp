#include "engine/notify/replay.hpp"

#include "engine/error/names.hpp"
#include "engine/notify/condition.hpp"
#include "engine/notify/start_channel.hpp"
#include "engine/store/subscription_log.hpp"
#include "engine/values/uuid.hpp"

#include <algorithm>
#include <map>
#include <memory>

namespace sluice::notify {

namespace {

constexpr std::int64_t read_at_once = 1000;

result<store::subscription> find_subscription(store::store& in, const std::string& id) {
  SLUICE_ASSIGN(auto all, store::deliveries_of(in).subscriptions());
  std::vector<std::string> names;
  for (auto& one : all) {
    if (one.until) continue;
    if (one.id == id) return std::move(one);
    names.push_back(one.id);
  }
  const auto near = nearest_name(id, names);
  return user_error(
      "unknown_subscription", "there is no rule " + id,
      near.empty() ? "its name is PIPELINE/RULE; sluice notify list shows them" : "did you mean " + near + "?");
}

struct chosen_channels {
  std::vector<std::string> names = {};
  std::vector<std::string> left_out = {};
};

result<chosen_channels> choose_channels(store::store& in, const store::subscription& of, const replay_request& what) {
  chosen_channels made;
  const auto& channels = of.spec["channels"];
  if (!what.channel.empty() && !channels.contains(what.channel))
    return user_error("unknown_channel", "the rule " + of.id + " has no channel " + what.channel,
                      "sluice notify list shows the channels of each rule");
  // Channels of later steps (escalate) are not told of events.
  for (const auto& named : of.spec["rule"]["to"]) {
    const auto& name = named.text();
    if (!what.channel.empty() && name != what.channel) continue;
    const auto& channel = channels[name];
    if (channel.value("kind", "") == start_kind && !what.again) {
      made.left_out.push_back(channel["own"].value("pipeline", ""));
      continue;
    }
    SLUICE_ASSIGN(const auto health, store::deliveries_of(in).health_of(of.pipeline, name));
    if (health.disabled)
      return user_error(
          "channel_disabled", "the channel " + name + " of " + of.pipeline + " is disabled",
          "sluice notify test " + name + " --pipeline '" + of.pipeline + "' enables it when its receiver answers");
    made.names.push_back(name);
  }
  if (made.names.empty() && !made.left_out.empty())
    return user_error("replay_starts_nothing",
                      "the rule " + of.id + " only starts " + joined(made.left_out) + ", which a replay does not do",
                      "with --again it is started once more for each event");
  if (made.names.empty())
    return user_error("unknown_channel", "the rule " + of.id + " does not send events to the channel " + what.channel,
                      "sluice notify list shows the channels of each rule");
  return made;
}

/// The condition of a rule, with what it needs to be asked.
struct filter {
  std::shared_ptr<const condition> when;  ///< null: every event
  std::map<std::string, options> params;  ///< of runs

  result<std::vector<bool>> matches(store::store& in, const std::vector<store::event>& events) {
    if (when == nullptr) return std::vector<bool>(events.size(), true);
    std::vector<options> values;
    for (const auto& one : events) {
      if (!when->uses_params()) break;
      auto found = params.find(one.run);
      if (found == params.end()) {
        SLUICE_ASSIGN(auto given, store::deliveries_of(in).params_of(one.run));
        found = params.emplace(one.run, std::move(given)).first;
      }
      values.push_back(found->second);
    }
    return when->matches(events, values);
  }
};

result<filter> filter_of(const store::subscription& of) {
  filter made;
  const auto text = of.spec["rule"].value("when", "");
  if (text.empty()) return made;
  param_types types;
  for (const auto& [name, type] : of.spec["params"].items()) types[name] = type.text();
  diagnostics faults;
  made.when = condition::bind(text, types, {}, faults);
  if (made.when == nullptr) return faults.front();
  return made;
}

result<std::vector<store::event>> events_for(store::store& in, const store::subscription& of,
                                             const replay_request& what) {
  SLUICE_ASSIGN(auto wanted, filter_of(of));
  SLUICE_ASSIGN(const auto newest, in.last_cursor());
  const auto last = std::min(what.until.value_or(newest), newest);
  std::vector<store::event> found;
  for (auto at = what.after.value_or(0); at < last;) {
    SLUICE_ASSIGN(auto events, in.events(at, what.run, read_at_once));
    if (events.empty()) break;
    at = events.back().cursor;
    events.erase(std::remove_if(events.begin(), events.end(),
                                [&](const auto& one) {
                                  return one.cursor > last || (what.since && one.time < *what.since) ||
                                         (of.pipeline != store::every_pipeline && one.pipeline != of.pipeline);
                                }),
                 events.end());
    SLUICE_ASSIGN(const auto matches, wanted.matches(in, events));
    for (std::size_t each = 0; each < events.size(); ++each)
      if (matches[each]) found.push_back(std::move(events[each]));
    if (static_cast<std::int64_t>(found.size()) > what.limit)
      return user_error("replay_too_large",
                        "more than " + std::to_string(what.limit) + " events match; the first is that with cursor " +
                            std::to_string(found.front().cursor) + ", of " + found.front().type,
                        "choose fewer (--after, --since, --until, --run), or allow more with --limit");
  }
  return found;
}

}  // namespace

result<replayed> replay(store::store& in, const replay_request& what, std::int64_t now) {
  SLUICE_ASSIGN(const auto of, find_subscription(in, what.subscription));
  SLUICE_ASSIGN(auto channels, choose_channels(in, of, what));
  SLUICE_ASSIGN(const auto events, events_for(in, of, what));
  replayed made;
  made.id = uuid_v7().substr(24);
  made.left_out = std::move(channels.left_out);
  made.events = static_cast<std::int64_t>(events.size());
  if (events.empty()) return made;
  std::vector<store::delivery> all;
  for (const auto& one : events)
    for (const auto& channel : channels.names) {
      // The event about trouble with a channel is told on others, now as before.
      if (one.run.empty() && one.data.is_object() && one.data.value("channel", "") == channel) continue;
      all.push_back({.subscription = of.id,
                     .channel = channel,
                     .lane = "replay " + made.id + " " + one.run,
                     .key = "replay " + made.id + " " + one.id,
                     .kind = "replay",
                     .type = one.type,
                     .run = one.run,
                     .cursor = one.cursor,
                     .body = options{{"replay", made.id}, {"again", what.again}},
                     .created = now,
                     .next_at = now});
    }
  made.deliveries = static_cast<std::int64_t>(all.size());
  store::event told;
  told.type = "subscription.replayed";
  told.data = options{{"pipeline", of.pipeline},     {"subscription", of.id}, {"replay", made.id},
                      {"events", made.events},       {"again", what.again},   {"first", events.front().cursor},
                      {"last", events.back().cursor}};
  SLUICE_ASSIGN(made.told, store::subscriptions_of(in).replay(of.id, std::move(all), std::move(told)));
  return made;
}

}  // namespace sluice::notify
