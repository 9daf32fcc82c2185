#include "engine/notify/rule.hpp"

#include "engine/notify/event_catalogue.hpp"
#include "engine/values/uuid.hpp"

#include <algorithm>

namespace sluice::notify {

namespace {

/// Different causes that a group counts one by one; what comes above that counts as "other".
constexpr std::size_t most_causes = 20;
/// Alerts of one rule that are open at a time; others are told as events, without an end.
constexpr std::size_t most_alerts = 1000;

std::string text_at(const options& in, const char* name) {
  if (!in.is_object()) return {};
  const auto found = in.find(name);
  return found != in.end() && found->is_string() ? found->text() : std::string();
}

options cause_of(const store::event& what) {
  if (!what.data.is_object()) return {};
  const auto found = what.data.find("cause");
  return found == what.data.end() ? options() : *found;
}

std::string cause_text(const store::event& what) {
  const auto cause = cause_of(what);
  const auto code = text_at(cause, "code");
  if (code.empty()) return {};
  return code + ": " + text_at(cause, "message").substr(0, 200);
}

std::string value_of(const store::event& what, const std::string& by) {
  if (by == "pipeline") return what.pipeline;
  if (by == "type") return what.type;
  if (by == "owner") return what.owner;
  if (by == "unit") return what.unit;
  if (by == "run") return what.run;
  return std::string(to_string(severity_of(what.type)));
}

void count(std::map<std::string, std::int64_t>& in, const std::string& what) {
  if (what.empty()) return;
  ++in[in.count(what) != 0 || in.size() < most_causes ? what : "other"];
}

std::vector<std::string> texts_in(const options& list) {
  std::vector<std::string> made;
  for (const auto& one : list)
    if (one.is_string()) made.push_back(one.text());
  return made;
}

std::map<std::string, std::int64_t> counts_in(const options& map) {
  std::map<std::string, std::int64_t> made;
  for (const auto& [name, value] : map.items()) made[name] = value.get<std::int64_t>();
  return made;
}

const options& member(const options& of, const char* name) {
  static const options nothing;
  if (!of.is_object()) return nothing;
  const auto found = of.find(name);
  return found == of.end() ? nothing : *found;
}

}  // namespace

rule_settings settings_from(const store::subscription& kept) {
  rule_settings made;
  const auto& from = member(kept.spec, "rule");
  made.subscription = kept.id;
  made.when = text_at(from, "when");
  made.to = texts_in(member(from, "to"));
  made.any_order = text_at(from, "order") == "any";
  if (const auto& group = member(from, "group"); group.is_object()) {
    grouping how;
    how.by = texts_in(member(group, "by"));
    how.wait = group.value("wait", how.wait);
    how.every = group.value("every", how.every);
    how.most = group.value("most", how.most);
    made.group = how;
  }
  if (const auto& repeat = member(from, "repeat"); repeat.is_number()) made.repeat = repeat.get<std::int64_t>();
  if (const auto& resolved = member(from, "resolved"); resolved.is_boolean()) made.resolved = resolved.get<bool>();
  if (const auto& every = member(from, "heartbeat"); every.is_number()) made.heartbeat = every.get<std::int64_t>();
  if (const auto& absent = member(from, "absent"); absent.is_number()) made.absent = absent.get<std::int64_t>();
  for (const auto& step : member(from, "escalate"))
    made.escalate.push_back({step.value("after", std::int64_t{0}), texts_in(member(step, "to"))});
  return made;
}

std::string fingerprint_of(const store::event& what) {
  const auto cause = cause_of(what);
  auto place = text_at(cause, "where");
  if (place.empty()) place = what.unit.empty() ? text_at(what.data, "channel") : what.unit;
  return what.pipeline + "|" + what.type + "|" + text_at(cause, "code") + "|" + place;
}

rule::rule(rule_settings settings, const options& state) : settings_(std::move(settings)) {
  for (const auto& [key, one] : member(state, "groups").items()) {
    auto& group = groups_[key];
    for (const auto& cursor : member(one, "cursors")) group.cursors.push_back(cursor.get<std::int64_t>());
    group.count = one.value("count", std::int64_t{0});
    group.since = one.value("since", std::int64_t{0});
    group.last_sent = one.value("last_sent", std::int64_t{0});
    group.types = counts_in(member(one, "types"));
    group.causes = counts_in(member(one, "causes"));
    group.alerts = texts_in(member(one, "alerts"));
    group.run = text_at(one, "run");
    group.type = text_at(one, "type");
    group.newest = one.value("newest", std::int64_t{0});
  }
  if (const auto& last = member(state, "heartbeat"); last.is_number()) last_heartbeat_ = last.get<std::int64_t>();
  if (const auto& last = member(state, "last_match"); last.is_number()) last_match_ = last.get<std::int64_t>();
  for (const auto& [key, one] : member(state, "alerts").items())
    alerts_[key] = {.id = text_at(one, "id"),
                    .lane = text_at(one, "lane"),
                    .type = text_at(one, "type"),
                    .pipeline = text_at(one, "pipeline"),
                    .subject = text_at(one, "subject"),
                    .since = one.value("since", std::int64_t{0}),
                    .first = one.value("first", std::int64_t{0}),
                    .last = one.value("last", std::int64_t{0}),
                    .count = one.value("count", std::int64_t{0}),
                    .sent = one.value("sent", std::int64_t{0}),
                    .next_repeat = one.value("next_repeat", std::int64_t{0}),
                    .escalated = one.value("escalated", std::int64_t{0}),
                    .acknowledged = one.value("acknowledged", false),
                    .told = texts_in(member(one, "told"))};
}

options rule::state() const {
  options groups = options::object();
  for (const auto& [key, one] : groups_)
    groups[key] =
        options{{"cursors", one.cursors}, {"count", one.count},   {"since", one.since},   {"last_sent", one.last_sent},
                {"types", one.types},     {"causes", one.causes}, {"alerts", one.alerts}, {"run", one.run},
                {"type", one.type},       {"newest", one.newest}};
  options alerts = options::object();
  for (const auto& [key, one] : alerts_)
    alerts[key] = options{{"id", one.id},
                          {"lane", one.lane},
                          {"type", one.type},
                          {"pipeline", one.pipeline},
                          {"subject", one.subject},
                          {"since", one.since},
                          {"first", one.first},
                          {"last", one.last},
                          {"count", one.count},
                          {"sent", one.sent},
                          {"next_repeat", one.next_repeat},
                          {"escalated", one.escalated},
                          {"acknowledged", one.acknowledged},
                          {"told", one.told}};
  options all = {{"groups", std::move(groups)}, {"alerts", std::move(alerts)}};
  if (settings_.heartbeat) all["heartbeat"] = last_heartbeat_;
  if (settings_.absent) all["last_match"] = last_match_;
  return all;
}

std::string rule::id_of(const std::string& kind, const std::string& name, std::int64_t number) const {
  return uuid_v8(settings_.subscription + '\0' + kind + '\0' + name + '\0' + std::to_string(number));
}

std::vector<std::string> rule::channels_for(const store::event& what) const {
  auto channels = settings_.to;
  if (what.run.empty())
    channels.erase(std::remove(channels.begin(), channels.end(), text_at(what.data, "channel")), channels.end());
  return channels;
}

std::string rule::group_key(const store::event& what) const {
  std::string key;
  for (const auto& by : settings_.group->by) key += (key.empty() ? "" : "|") + value_of(what, by);
  return key;
}

void rule::take(const store::event& what, bool matches, std::int64_t now) {
  if (settings_.absent) {
    if (matches) come_again(what, now);
    return;
  }
  resolve(what, now);
  if (!matches || channels_for(what).empty()) return;
  if (!settings_.has_alerts()) return add(what, now, {});
  const auto fingerprint = fingerprint_of(what);
  if (const auto found = alerts_.find(fingerprint); found != alerts_.end()) {
    ++found->second.count;
    found->second.last = what.cursor;
    return;
  }
  if (alerts_.size() >= most_alerts) return add(what, now, {});
  alerts_[fingerprint] = {.id = id_of("alert", fingerprint, what.cursor).substr(0, 8),
                          .type = what.type,
                          .pipeline = what.pipeline,
                          .subject = text_at(what.data, "channel"),
                          .since = what.time,
                          .first = what.cursor,
                          .last = what.cursor,
                          .count = 1};
  add(what, now, fingerprint);
}

void rule::add(const store::event& what, std::int64_t now, const std::string& fingerprint) {
  if (!settings_.group) return send_one(what, now, fingerprint);
  auto& group = groups_[group_key(what)];
  if (group.count == 0) group.since = now;
  ++group.count;
  if (static_cast<std::int64_t>(group.cursors.size()) < settings_.group->most) group.cursors.push_back(what.cursor);
  ++group.types[what.type];
  count(group.causes, cause_text(what));
  if (!fingerprint.empty()) group.alerts.push_back(fingerprint);
  group.run = what.run;
  group.type = what.type;
  group.newest = what.cursor;
}

void rule::send_one(const store::event& what, std::int64_t now, const std::string& fingerprint) {
  made_message made{.channels = channels_for(what)};
  made.what.kind = "event";
  made.what.key = what.id;
  made.what.lane = settings_.any_order ? what.id : what.run.empty() ? "-" : what.run;
  made.what.type = what.type;
  made.what.run = what.run;
  made.what.cursor = what.cursor;
  made.what.created = now;
  if (!fingerprint.empty()) {
    const auto& id = alerts_[fingerprint].id;
    made.what.body = options{{"alert", id}};
    if (!settings_.any_order) made.what.lane = "alert " + id;
    mark_sent(fingerprint, made.what.lane, now);
  }
  messages_.push_back(std::move(made));
}

void rule::mark_sent(const std::string& fingerprint, const std::string& lane, std::int64_t now) {
  const auto found = alerts_.find(fingerprint);
  if (found == alerts_.end()) return;
  found->second.sent = now;
  found->second.lane = lane;
  found->second.told = settings_.to;
  found->second.next_repeat = settings_.repeat ? now + *settings_.repeat : 0;
}

std::int64_t rule::group_due(const collected& group) const {
  return std::max(group.since + settings_.group->wait,
                  group.last_sent == 0 ? 0 : group.last_sent + settings_.group->every);
}

void rule::send_group(const std::string& key, collected& group, std::int64_t now) {
  made_message made{.channels = settings_.to};
  made.what.kind = "group";
  made.what.key = id_of("group", key, group.cursors.front());
  made.what.lane = settings_.any_order ? made.what.key : "group " + key;
  made.what.type = group.type;
  made.what.run = group.run;
  made.what.cursor = group.newest;
  made.what.created = now;
  auto alerts = options::array();
  for (const auto& fingerprint : group.alerts)
    if (const auto found = alerts_.find(fingerprint); found != alerts_.end()) alerts.push_back(found->second.id);
  made.what.body = options{{"group", key},         {"cursors", group.cursors}, {"count", group.count},
                           {"since", group.since}, {"types", group.types},     {"causes", group.causes}};
  if (!alerts.empty()) made.what.body["alert"] = alerts.front();
  if (!alerts.empty()) made.what.body["alerts"] = std::move(alerts);
  for (const auto& fingerprint : group.alerts) mark_sent(fingerprint, made.what.lane, now);
  messages_.push_back(std::move(made));
  group = {.last_sent = now};
}

void rule::resolve(const store::event& what, std::int64_t now) {
  const bool run_went_well = what.type == "run.succeeded" || what.type == "run.partial";
  if (!run_went_well && what.type != "channel.recovered") return;
  const auto channel = text_at(what.data, "channel");
  for (auto at = alerts_.begin(); at != alerts_.end();) {
    auto& one = at->second;
    const bool about_channel = one.type.starts_with("channel.");
    const bool ends = one.pipeline == what.pipeline &&
                      (run_went_well ? !about_channel && one.type != what.type && one.since <= what.time
                                     : about_channel && one.subject == channel);
    if (!ends) {
      ++at;
      continue;
    }
    // What was not told yet is over before anybody heard of it.
    if (one.sent == 0 && settings_.group)
      for (auto& [key, group] : groups_) {
        const auto waits = std::find(group.alerts.begin(), group.alerts.end(), at->first);
        if (waits == group.alerts.end()) continue;
        group.alerts.erase(waits);
        if (group.alerts.empty()) group = {.last_sent = group.last_sent};
      }
    if (one.sent != 0 && settings_.resolved) {
      one.last = what.cursor;
      tell(one, "resolved", one.told, now, what.cursor);
    }
    at = alerts_.erase(at);
  }
}

void rule::tell(alert& about, const std::string& kind, const std::vector<std::string>& to, std::int64_t now,
                std::int64_t number) {
  made_message made{.channels = to};
  made.what.kind = kind;
  made.what.key = id_of(kind, about.id, number);
  made.what.lane = about.lane;
  made.what.type = about.type;
  made.what.cursor = kind == "resolved" ? about.last : about.first;
  made.what.created = now;
  made.what.body = options{{"alert", about.id},
                           {"since", about.since},
                           {"count", about.count},
                           {"cursors", options::array({about.first, about.last})}};
  messages_.push_back(std::move(made));
}

std::vector<made_message> rule::take_messages() {
  for (auto& one : messages_) one.what.subscription = settings_.subscription;
  return std::exchange(messages_, {});
}

std::vector<std::string> rule::open_alerts() const {
  std::vector<std::string> ids;
  for (const auto& [fingerprint, one] : alerts_) ids.push_back(one.id);
  return ids;
}

}  // namespace sluice::notify
