#include "engine/notify/delivery_book.hpp"

#include <iterator>
#include <map>

namespace sluice::notify {

namespace {

/// A channel counts as failing after so many failures in a row.
constexpr std::int64_t failures_to_tell = 3;

bool same(const store::channel_health& a, const store::channel_health& b) {
  return a.failures == b.failures && a.failing == b.failing && a.disabled == b.disabled;
}

template <class Entries>
void append(Entries& to, Entries from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

std::vector<store::event> note_tries(store::channel_health& health, const finished_turn& what) {
  std::vector<store::event> events;
  const auto tell = [&](const char* type, const store::tried_delivery& one, options more = options::object()) {
    options data = {{"pipeline", what.pipeline}, {"channel", what.channel}, {"answer", one.answer}};
    for (const auto& [key, value] : more.items()) data[key] = value;
    store::event made;
    made.type = type;
    made.data = std::move(data);
    events.push_back(std::move(made));
  };
  for (const auto& one : what.outcomes) {
    if (one.state == store::delivery_state::delivered) {
      health.failures = 0;
      if (std::exchange(health.failing, false)) tell("channel.recovered", one);
      continue;
    }
    ++health.failures;
    if (what.disable) {
      health.disabled = true;
      tell("channel.disabled", one);
    } else if (health.failures >= failures_to_tell && !std::exchange(health.failing, true)) {
      tell("channel.failing", one);
    }
    if (one.state == store::delivery_state::given_up)
      tell("delivery.given_up", one, {{"event", one.key}, {"tries", what.tries_before + 1}});
  }
  return events;
}

void delivery_book::add(store::derived what, callback then) {
  const std::lock_guard guard(lock_);
  waiting_.size += what.made.size() + 1;
  waiting_.made.push_back(std::move(what));
  waiting_.then.push_back(std::move(then));
}

void delivery_book::add(finished_turn what, callback then) {
  const std::lock_guard guard(lock_);
  waiting_.size += what.outcomes.size();
  waiting_.finished.push_back(std::move(what));
  waiting_.then.push_back(std::move(then));
}

std::size_t delivery_book::waiting() const {
  const std::lock_guard guard(lock_);
  return waiting_.size;
}

void delivery_book::put_back(entries what) {
  const std::lock_guard guard(lock_);
  auto since = std::exchange(waiting_, std::move(what));
  append(waiting_.made, std::move(since.made));
  append(waiting_.finished, std::move(since.finished));
  append(waiting_.then, std::move(since.then));
  waiting_.size += since.size;
}

result<std::vector<store::tried_turn>> delivery_book::turns_of(const entries& what) const {
  std::map<std::pair<std::string, std::string>, store::channel_health> channels;
  std::vector<store::tried_turn> turns;
  for (const auto& one : what.finished) {
    const auto name = std::pair(one.pipeline, one.channel);
    auto found = channels.find(name);
    if (found == channels.end()) {
      SLUICE_ASSIGN(auto health, store::deliveries_of(*store_).health_of(one.pipeline, one.channel));
      found = channels.emplace(name, std::move(health)).first;
    }
    const auto before = found->second;
    store::tried_turn turn{
        .subscription = one.subscription, .channel = one.channel, .outcomes = one.outcomes, .health = {}};
    turn.events = note_tries(found->second, one);
    if (!same(before, found->second)) turn.health = found->second;
    turns.push_back(std::move(turn));
  }
  return turns;
}

result<delivery_book::written> delivery_book::write() {
  entries now;
  {
    const std::lock_guard guard(lock_);
    now = std::exchange(waiting_, {});
  }
  written made;
  if (now.then.empty()) return made;
  auto turns = turns_of(now);
  auto kept = turns.ok() ? store::deliveries_of(*store_).keep(now.made, std::move(turns).value())
                         : result<store::kept_deliveries>(std::move(turns).problem());
  if (!kept.ok()) {
    put_back(std::move(now));
    return std::move(kept).problem();
  }
  made.taken = std::move(kept->taken);
  made.events = std::move(kept->events);
  for (const auto& one : now.made) made.subscriptions.insert(one.subscription);
  for (const auto& one : now.finished) {
    made.subscriptions.insert(one.subscription);
    if (one.disable) made.disabled.emplace_back(one.pipeline, one.channel);
  }
  for (const auto& then : now.then) then();
  return made;
}

}  // namespace sluice::notify
