#include "engine/notify/rule_worker.hpp"

#include "engine/component/component.hpp"
#include "engine/notify/channels.hpp"
#include "engine/notify/start_channel.hpp"
#include "engine/secrets/reveal.hpp"
#include "engine/store/subscription_log.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::notify {

namespace {

/// The mark of a rule that remembers nothing is written once in so many events: whoever reads them again makes messages
/// that are known already, since more of them than that are kept when they are done.
constexpr std::int64_t most_unkept = 500;
/// Until it is looked again whether an event is missing, in microseconds.
constexpr std::int64_t until_log_is_read = 1'000'000;
constexpr std::int64_t until_silence_is_over = 60'000'000;

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
                                                       std::shared_ptr<store::store> in,
                                                       std::shared_ptr<delivery_book> book, const channel_maker& make,
                                                       clock_function now) {
  std::shared_ptr<rule_worker> made(new rule_worker(held, std::move(in), std::move(book), std::move(now)));
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
    SLUICE_ASSIGN(const auto health, store::deliveries_of(*made->store_).health_of(held.pipeline, name));
    if (health.disabled) made->channels_[name].queue.close();
    if (channel.value("kind", "") == start_kind) {
      SLUICE_ASSIGN(one, make_start_channel(channel["own"], params, made->store_));
    } else {
      SLUICE_ASSIGN(one, make(name, channel));
    }
  }
  const auto& how = made->rule_.settings();
  made->remembers_ = how.has_alerts() || how.group || how.absent || made->inhibited_.any();
  return made;
}

rule_worker::rule_worker(const store::subscription& held, std::shared_ptr<store::store> in,
                         std::shared_ptr<delivery_book> book, clock_function now)
    : held_(held),
      store_(std::move(in)),
      book_(std::move(book)),
      now_(std::move(now)),
      rule_(settings_from(held), held.state),
      at_(held.mark),
      kept_(held.mark) {}

bool rule_worker::concerns(const store::event& what, std::optional<std::int64_t> until) const {
  const bool ours = held_.pipeline == store::every_pipeline || what.pipeline == held_.pipeline;
  return ours && what.cursor > at_ && (!until || what.cursor <= *until);
}

result<std::vector<options>> rule_worker::params_of(const std::vector<store::event>& events,
                                                    const std::vector<std::size_t>& rows) {
  const bool wanted = (when_ && when_->uses_params()) || silences_.uses_params() || inhibited_.uses_params();
  if (!wanted) return std::vector<options>();
  std::vector<options> all(events.size());
  for (const auto row : rows) {
    const auto& run = events[row].run;
    auto found = params_.find(run);
    if (found == params_.end()) {
      if (params_.size() > 100) params_.clear();
      SLUICE_ASSIGN(auto params, store::deliveries_of(*store_).params_of(run));
      found = params_.emplace(run, std::move(params)).first;
    }
    all[row] = found->second;
  }
  return all;
}

/// Rows of events that the rule has to look at. Of one that remembers nothing those are few: the condition says by an
/// index which it may be true of.
result<std::vector<std::size_t>> rule_worker::ours(log_batch& batch, std::optional<std::int64_t> until) const {
  const auto& events = batch.events();
  std::vector<std::size_t> rows;
  if (!remembers_ && when_) {
    SLUICE_ASSIGN(const auto candidates, when_->candidates(batch.columns()));
    if (candidates) {
      for (const auto row : *candidates)
        if (concerns(events[row], until)) rows.push_back(row);
      return rows;
    }
  }
  for (std::size_t row = 0; row < events.size(); ++row) {
    // What mutes others may belong to no pipeline: a node is lost.
    const bool mutes = inhibited_.any() && events[row].pipeline.empty() && events[row].cursor > at_;
    if (mutes || concerns(events[row], until)) rows.push_back(row);
  }
  return rows;
}

result<derived_turn> rule_worker::derive(log_batch& batch, std::optional<std::int64_t> until) {
  const auto& events = batch.events();
  derived_turn turn{.wake = batch.makes_due(held_.id), .next_pass = {}};
  SLUICE_ASSIGN(const auto rows, ours(batch, until));
  if (!rows.empty()) {
    SLUICE_ASSIGN(const auto params, params_of(events, rows));
    std::vector<bool> true_of(events.size(), true);
    if (when_) {
      SLUICE_ASSIGN(true_of, when_->matches(batch.columns(), params));
    }
    std::vector<bool> matches(events.size(), false);
    for (const auto row : rows) matches[row] = true_of[row] && concerns(events[row], until);
    // Where events are waited for, what silences them silences that they are missing.
    if (!rule_.settings().absent) SLUICE_TRY(silence(batch, rows, matches, params));
    SLUICE_TRY(inhibit(batch, rows, matches, params));
    for (const auto row : rows)
      if (matches[row] || (remembers_ && concerns(events[row], until))) rule_.take(events[row], matches[row], now_());
  }
  if (!events.empty()) at_ = std::max(at_.load(), events.back().cursor);
  // Alerts and groups that are open are part of what the mark stands for.
  const bool any = keep(&batch, !rows.empty() && remembers_);
  if (turn.wake)
    for (auto& [name, one] : channels_) one.queue.look();
  turn.wake = turn.wake || any;
  turn.next_pass = rule_.next();
  return turn;
}

/// What falls under a silence is kept as dropped, so that it can be seen that and why nobody was told.
status rule_worker::silence(log_batch& batch, const std::vector<std::size_t>& rows, std::vector<bool>& matches,
                            const std::vector<options>& params) {
  if (std::find(matches.begin(), matches.end(), true) == matches.end()) return {};
  SLUICE_ASSIGN(const auto* const given, batch.silences(now_()));
  silences_.by_hand(*given);
  dropped_.clear();
  for (const auto row : rows) {
    if (!matches[row]) continue;
    const auto& one = batch.events()[row];
    SLUICE_ASSIGN(const auto by, silences_.silenced_by(one, params.empty() ? options() : params[row], now_()));
    if (by.empty()) continue;
    matches[row] = false;
    drop(one, "silenced by " + by);
  }
  return {};
}

status rule_worker::inhibit(const log_batch& batch, const std::vector<std::size_t>& rows, std::vector<bool>& matches,
                            const std::vector<options>& params) {
  if (!inhibited_.any()) return {};
  const auto& events = batch.events();
  SLUICE_ASSIGN(const auto muting, inhibited_.muting(events, params));
  for (const auto row : rows) {
    inhibited_.note(events[row], muting, row);
    if (!matches[row]) continue;
    const auto by = inhibited_.muted_by(events[row], muting, row);
    if (by.empty()) continue;
    matches[row] = false;
    drop(events[row], "muted by " + by);
  }
  return {};
}

void rule_worker::drop(const store::event& what, const std::string& why) {
  for (const auto& name : rule_.settings().to)
    dropped_.push_back({.subscription = held_.id,
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

result<derived_turn> rule_worker::pass(bool close) {
  std::set<std::string> acknowledged;
  const auto open = rule_.open_alerts();
  if (!open.empty()) {
    SLUICE_ASSIGN(const auto known, store::deliveries_of(*store_).acknowledged(open));
    acknowledged.insert(known.begin(), known.end());
  }
  rule_.pass(now_(), acknowledged, close);
  std::optional<std::int64_t> again;
  if (!close) {
    SLUICE_ASSIGN(again, look_for_missing());
  }
  const bool any = keep(nullptr, rule_.settings().absent.has_value());
  return derived_turn{.wake = any, .next_pass = again ? again : rule_.next()};
}

/// That an event is missing is known only when the log has been read up to now: a process that was away has much to
/// read. Gives when to look again, where it is not known yet or nobody is to be told.
result<std::optional<std::int64_t>> rule_worker::look_for_missing() {
  const auto now = now_();
  if (!rule_.is_missing(now)) {
    known_from_.reset();
    return std::optional<std::int64_t>();
  }
  if (!known_from_) {
    SLUICE_ASSIGN(known_from_, store_->last_cursor());
  }
  if (at_ < *known_from_) return std::optional(now + until_log_is_read);
  SLUICE_ASSIGN(const auto by_hand, store::deliveries_of(*store_).silences(now));
  silences_.by_hand(by_hand);
  const store::event missing = {.type = missing_type, .time = now, .pipeline = held_.pipeline};
  SLUICE_ASSIGN(const auto by, silences_.silenced_by(missing, options(), now));
  if (!by.empty()) return std::optional(now + until_silence_is_over);
  rule_.miss(now);
  return std::optional<std::int64_t>();
}

/// Messages that tell of one event of now are sent while they become durable: a process that dies in between makes them
/// again, with the same ids. What depends on more than the event has to be durable before.
/// Gives whether there are any.
bool rule_worker::keep(const log_batch* made_of, bool always) {
  const bool at_once = made_of != nullptr && made_of->live() && !remembers_;
  store::derived made{.subscription = held_.id, .reached = {}, .made = std::exchange(dropped_, {})};
  std::vector<std::pair<channel*, channel_queue::message>> fresh;
  std::map<std::string, std::size_t> counts;
  for (auto& message : rule_.take_messages())
    for (const auto& name : message.channels) {
      const auto found = channels_.find(name);
      if (found == channels_.end()) continue;
      made.made.push_back(message.what);
      made.made.back().channel = name;
      auto& queue = found->second.queue;
      if (at_once && message.what.kind == "event") {
        if (queue.admit(message.what.lane))
          fresh.push_back({&found->second, {made.made.back(), made_of->event_at(message.what.cursor)}});
      } else {
        queue.to_store();
      }
      ++counts[name];
    }
  const bool any = !made.made.empty();
  if (!any && !always && at_ - kept_ < most_unkept) return false;
  if (remembers_ || always || at_ - kept_ >= most_unkept || made_of == nullptr) {
    made.reached = {.mark = at_, .state = state()};
    kept_ = at_;
  }
  book_->add(std::move(made), [self = shared_from_this(), counts = std::move(counts)] {
    for (const auto& [name, count] : counts) self->channels_.at(name).queue.stored(count);
  });
  for (auto& [through, message] : fresh) through->queue.push(std::move(message));
  return any;
}

options rule_worker::state() const {
  auto state = rule_.state();
  if (inhibited_.any()) state["inhibited"] = inhibited_.state();
  return state;
}

void rule_worker::close() {
  if (at_ != kept_) keep(nullptr, true);
}

bool rule_worker::busy() const {
  return std::any_of(channels_.begin(), channels_.end(), [](const auto& one) { return one.second.queue.busy(); });
}

void rule_worker::disable(const std::string& name) {
  if (const auto found = channels_.find(name); found != channels_.end()) found->second.queue.close();
}

std::vector<std::string> rule_worker::channels() const {
  std::vector<std::string> names;
  for (const auto& [name, one] : channels_) names.push_back(name);
  return names;
}

void rule_worker::interrupt() noexcept {
  for (auto& [name, one] : channels_) one.what->interrupt();
}

}  // namespace sluice::notify
