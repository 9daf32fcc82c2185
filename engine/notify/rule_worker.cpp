#include "engine/notify/rule_worker.hpp"

#include "engine/component/component.hpp"
#include "engine/notify/channels.hpp"
#include "engine/notify/retry.hpp"
#include "engine/notify/start_channel.hpp"
#include "engine/secrets/reveal.hpp"
#include "engine/store/subscription_log.hpp"
#include "engine/values/uuid.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice::notify {

namespace {

/// The mark is written with the messages; without any, once in so many events: reading them again does no harm.
constexpr std::int64_t most_unkept = 500;
constexpr std::int64_t most_at_once = 16;
/// A channel counts as failing after so many failures in a row.
constexpr std::int64_t failures_to_tell = 3;
constexpr std::size_t kept_answer = 500;

/// The beginning of an answer, as text for a terminal and a table.
std::string answer_text(std::string answer) {
  if (answer.size() > kept_answer) answer.resize(kept_answer);
  answer = options(answer).dump();  // no broken UTF-8
  answer = options::parse(answer).text();
  std::replace_if(
      answer.begin(), answer.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  while (answer.ends_with(' ')) answer.pop_back();
  return answer;
}

}  // namespace

result<std::shared_ptr<subscriber>> make_channel(const std::string& name, const options& channel) {
  const auto kind = channel.is_object() ? channel.value("kind", "") : std::string();
  if (find_component(component_kind::subscriber, kind) == nullptr)
    return user_error("invalid_rule", "this program has no kind of channel " + kind + ", which " + name + " is of",
                      "use the version of sluice that ran the pipeline");
  run_context context;
  context.secret = node_secrets();
  SLUICE_ASSIGN(auto own, reveal_secrets(channel["own"], context));
  diagnostics faults;
  auto made = make_subscriber(kind, {.own = std::move(own), .base_folder = channel.value("folder", "")}, faults);
  if (!faults.empty()) {
    auto problem = faults.front();
    problem.message = "channel " + name + ": " + problem.message;
    return problem;
  }
  return std::shared_ptr<subscriber>(std::move(made));
}

result<std::shared_ptr<rule_worker>> rule_worker::make(const store::subscription& held,
                                                       std::shared_ptr<store::store> in, const channel_maker& make,
                                                       clock_function now) {
  std::shared_ptr<rule_worker> made(new rule_worker(held, std::move(in), std::move(now)));
  if (!held.spec.is_object() || !held.spec.contains("channels"))
    return user_error("invalid_rule", "the rule " + held.id + " can't be read",
                      "use the version of sluice that ran the pipeline");
  param_types params;
  for (const auto& [name, type] : held.spec["params"].items()) params[name] = type.text();
  if (held.spec.contains("silences")) {
    SLUICE_ASSIGN(made->silences_, silence_list::make(held.spec["silences"], params));
  }
  if (const auto& rule = held.spec["rule"]; rule.contains("inhibit")) {
    const bool before = held.state.is_object() && held.state.contains("inhibited");
    SLUICE_ASSIGN(made->inhibited_,
                  inhibition::make(rule["inhibit"], params, before ? held.state["inhibited"] : options::array()));
  }
  if (const auto& text = made->rule_.settings().when; !text.empty()) {
    diagnostics faults;
    made->when_ = condition::bind(text, params, {}, faults);
    if (made->when_ == nullptr) return faults.front();
  }
  for (const auto& [name, channel] : held.spec["channels"].items()) {
    auto& one = made->channels_[name].what;
    if (channel.value("kind", "") == start_kind) {
      SLUICE_ASSIGN(one, make_start_channel(channel["own"], params, made->store_));
    } else {
      SLUICE_ASSIGN(one, make(name, channel));
    }
  }
  return made;
}

bool rule_worker::concerns(const store::event& what) const {
  const bool ours = held_.pipeline == store::every_pipeline || what.pipeline == held_.pipeline;
  return ours && (!held_.until || what.cursor <= *held_.until);
}

result<std::vector<options>> rule_worker::params_of(const std::vector<store::event>& events) {
  std::vector<options> all;
  const bool wanted = (when_ && when_->uses_params()) || silences_.uses_params() || inhibited_.uses_params();
  if (!wanted) return all;
  for (const auto& one : events) {
    auto found = params_.find(one.run);
    if (found == params_.end()) {
      if (params_.size() > 100) params_.clear();
      SLUICE_ASSIGN(auto params, store::deliveries_of(*store_).params_of(one.run));
      found = params_.emplace(one.run, std::move(params)).first;
    }
    all.push_back(found->second);
  }
  return all;
}

result<bool> rule_worker::derive(const std::vector<store::event>& events) {
  std::vector<store::event> ours;
  bool replayed = false;  // or made due, by somebody who could not send it
  for (const auto& one : events) {
    if (one.cursor <= at_) continue;
    // What mutes others may belong to no pipeline: a node is lost.
    if (concerns(one) || (inhibited_.any() && one.pipeline.empty())) ours.push_back(one);
    if (one.type == "subscription.replayed" && one.data.is_object())
      replayed = replayed || one.data.value("subscription", "") == held_.id;
    replayed = replayed || one.type == "delivery.flushed";
  }
  if (!ours.empty()) {
    std::vector<bool> matches(ours.size(), true);
    SLUICE_ASSIGN(const auto params, params_of(ours));
    if (when_) {
      SLUICE_ASSIGN(matches, when_->matches(ours, params));
    }
    for (std::size_t at = 0; at < ours.size(); ++at) matches[at] = matches[at] && concerns(ours[at]);
    SLUICE_TRY(silence(ours, matches, params));
    SLUICE_TRY(inhibit(ours, matches, params));
    for (std::size_t at = 0; at < ours.size(); ++at)
      if (concerns(ours[at])) rule_.take(ours[at], matches[at], now_());
  }
  if (!events.empty()) at_ = std::max(at_, events.back().cursor);
  // Alerts and groups that are open are part of what the mark stands for.
  SLUICE_ASSIGN(const bool made,
                keep(!ours.empty() && (rule_.settings().has_alerts() || rule_.settings().group || inhibited_.any())));
  return made || replayed;
}

/// What falls under a silence is kept as dropped, so that it can be seen that and why nobody was told.
status rule_worker::silence(const std::vector<store::event>& events, std::vector<bool>& matches,
                            const std::vector<options>& params) {
  if (std::find(matches.begin(), matches.end(), true) == matches.end()) return {};
  SLUICE_ASSIGN(const auto given, store::deliveries_of(*store_).silences(now_()));
  silences_.by_hand(given);
  for (std::size_t at = 0; at < events.size(); ++at) {
    if (!matches[at]) continue;
    const auto& one = events[at];
    SLUICE_ASSIGN(const auto by, silences_.silenced_by(one, params.empty() ? options() : params[at], now_()));
    if (by.empty()) continue;
    matches[at] = false;
    drop(one, "silenced by " + by);
  }
  return {};
}

status rule_worker::inhibit(const std::vector<store::event>& events, std::vector<bool>& matches,
                            const std::vector<options>& params) {
  if (!inhibited_.any()) return {};
  SLUICE_ASSIGN(const auto muting, inhibited_.muting(events, params));
  for (std::size_t at = 0; at < events.size(); ++at) {
    inhibited_.note(events[at], muting, at);
    if (!matches[at]) continue;
    const auto by = inhibited_.muted_by(events[at], muting, at);
    if (by.empty()) continue;
    matches[at] = false;
    drop(events[at], "muted by " + by);
  }
  return {};
}

void rule_worker::drop(const store::event& what, const std::string& why) {
  for (const auto& name : rule_.settings().to)
    unkept_.push_back({.subscription = held_.id,
                       .channel = name,
                       .lane = what.run.empty() ? "-" : what.run,
                       .key = what.id,
                       .kind = "event",
                       .type = what.type,
                       .run = what.run,
                       .cursor = what.cursor,
                       .state = store::delivery_state::dropped,
                       .created = now_(),
                       .answer = why});
}

result<bool> rule_worker::pass(bool close) {
  std::set<std::string> acknowledged;
  const auto open = rule_.open_alerts();
  if (!open.empty()) {
    SLUICE_ASSIGN(const auto known, store::deliveries_of(*store_).acknowledged(open));
    acknowledged.insert(known.begin(), known.end());
  }
  rule_.pass(now_(), acknowledged, close);
  return keep(false);
}

result<bool> rule_worker::keep(bool always) {
  for (auto& message : rule_.take_messages())
    for (const auto& name : message.channels) {
      if (channels_.count(name) == 0) continue;
      unkept_.push_back(message.what);
      unkept_.back().channel = name;
    }
  if (unkept_.empty() && !always && at_ - kept_ < most_unkept) return false;
  // Where the Store does not take them now, they are kept with the next call.
  auto state = rule_.state();
  if (inhibited_.any()) state["inhibited"] = inhibited_.state();
  SLUICE_TRY(store::deliveries_of(*store_).derive(held_.id, at_, state, unkept_));
  kept_ = at_;
  return !std::exchange(unkept_, {}).empty();
}

status rule_worker::keep_mark() {
  if (at_ == kept_) return {};
  auto kept = keep(true);
  return kept.ok() ? status() : status(std::move(kept).problem());
}

std::optional<std::int64_t> rule_worker::next_pass() const { return rule_.next(); }

std::vector<std::string> rule_worker::channels() const {
  std::vector<std::string> names;
  for (const auto& [name, one] : channels_) names.push_back(name);
  return names;
}

void rule_worker::interrupt() noexcept {
  for (auto& [name, one] : channels_) one.what->interrupt();
}

result<notice> rule_worker::notice_of(const store::delivery& what) {
  notice made;
  made.id = what.key;
  made.kind = what.kind;
  made.pipeline = held_.pipeline;
  made.rule = held_.name;
  made.channel = what.channel;
  made.time = what.created;
  made.body = what.body;
  if (what.kind == "heartbeat") {
    store::event alive;
    alive.id = what.key;
    alive.type = "heartbeat";
    alive.time = what.created;
    alive.pipeline = held_.pipeline;
    alive.data = options{{"rule", held_.id}, {"every_microseconds", *rule_.settings().heartbeat}};
    made.events.push_back(std::move(alive));
    return made;
  }
  std::vector<std::int64_t> cursors = {what.cursor};
  if (what.body.is_object() && what.body.contains("cursors")) {
    cursors.clear();
    for (const auto& one : what.body["cursors"])
      if (cursors.empty() || cursors.back() != one.get<std::int64_t>()) cursors.push_back(one.get<std::int64_t>());
  }
  for (const auto cursor : cursors) {
    SLUICE_ASSIGN(auto found, store_->events(cursor - 1, "", 1));
    if (!found.empty() && found.front().cursor == cursor) made.events.push_back(std::move(found.front()));
  }
  made.record = [store = store_](const std::string& run) { return store->find_run(run); };
  if (what.kind == "replay" && !made.events.empty()) {
    made.id = made.events.front().id;
    made.kind = "event";
    made.replay = what.body.value("replay", "");
    made.again = what.body.value("again", false);
  }
  made.count = what.body.is_object() ? what.body.value("count", std::int64_t{1}) : 1;
  if (made.events.empty())
    return internal_error("event_not_found", "the event of notification " + what.key + " is not in the log any more");
  return made;
}

result<sent_turn> rule_worker::send(const std::string& name) {
  auto& through = channels_.at(name);
  std::vector<store::delivery> due;
  {
    const std::lock_guard guard(through.lock);
    const std::vector<std::string> busy(through.busy.begin(), through.busy.end());
    SLUICE_ASSIGN(due, store::deliveries_of(*store_).due(held_.id, name, now_(), busy, most_at_once));
    if (!due.empty()) through.busy.insert(due.front().lane);
  }
  if (due.empty()) {
    sent_turn nothing;
    SLUICE_ASSIGN(nothing.next, store::deliveries_of(*store_).next_due(held_.id, name));
    return nothing;
  }
  auto made = send_lane(through, name, due);
  const std::lock_guard guard(through.lock);
  through.busy.erase(due.front().lane);
  return made;
}

result<sent_turn> rule_worker::send_lane(channel& through, const std::string& name,
                                         const std::vector<store::delivery>& due) {
  std::vector<store::tried_delivery> outcomes;
  bool disable = false;
  for (const auto& one : due) {
    delivery_attempt attempt;
    auto made = notice_of(one);
    // What can't be told any more would be tried for ever.
    const bool gone = !made.ok() && made.problem().code == "event_not_found";
    if (!made.ok() && !gone) return std::move(made).problem();
    if (gone)
      attempt.answer = made.problem().message;
    else
      attempt = through.what->deliver(*made);
    const auto at = now_();
    store::tried_delivery outcome{.number = one.number, .at = at, .answer = answer_text(std::move(attempt.answer))};
    if (attempt.what == delivery_attempt::outcome::delivered) {
      outcome.state = store::delivery_state::delivered;
    } else {
      disable = attempt.what == delivery_attempt::outcome::disable;
      const auto asked = attempt.ask_again ? std::optional(attempt.ask_again->count()) : std::nullopt;
      outcome.next_at = at + pause_before_retry(one.tries + 1, random_bits(), asked);
      const auto first = one.first_try == 0 ? at : one.first_try;
      outcome.state = gone || outcome.next_at - first > give_up_after ? store::delivery_state::given_up
                      : disable || one.kind == "heartbeat"            ? store::delivery_state::dropped
                                                                      : store::delivery_state::open;
    }
    outcomes.push_back(std::move(outcome));
    if (outcomes.back().state != store::delivery_state::delivered) break;
  }
  return note(name, outcomes, due, disable);
}

result<sent_turn> rule_worker::note(const std::string& name, const std::vector<store::tried_delivery>& outcomes,
                                    const std::vector<store::delivery>& due, bool disable) {
  SLUICE_ASSIGN(auto health, store::deliveries_of(*store_).health_of(held_.pipeline, name));
  std::vector<store::event> events;
  const auto tell = [&](const char* type, const store::tried_delivery& one, options more = options::object()) {
    options data = {{"pipeline", held_.pipeline}, {"channel", name}, {"answer", one.answer}};
    for (const auto& [key, value] : more.items()) data[key] = value;
    store::event made;
    made.type = type;
    made.data = std::move(data);
    events.push_back(std::move(made));
  };
  for (std::size_t at = 0; at < outcomes.size(); ++at) {
    const auto& one = outcomes[at];
    if (one.state == store::delivery_state::delivered) {
      health.failures = 0;
      if (std::exchange(health.failing, false)) tell("channel.recovered", one);
      continue;
    }
    ++health.failures;
    if (disable) {
      health.disabled = true;
      tell("channel.disabled", one);
    } else if (health.failures >= failures_to_tell && !std::exchange(health.failing, true)) {
      tell("channel.failing", one);
    }
    if (one.state == store::delivery_state::given_up)
      tell("delivery.given_up", one, {{"event", due[at].key}, {"tries", due[at].tries + 1}});
  }
  sent_turn made{.tried = outcomes.size()};
  SLUICE_ASSIGN(made.events, store::deliveries_of(*store_).tried(held_.id, name, outcomes, health, std::move(events)));
  SLUICE_ASSIGN(made.next, store::deliveries_of(*store_).next_due(held_.id, name));
  return made;
}

}  // namespace sluice::notify
