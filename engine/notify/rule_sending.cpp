#include "engine/notify/retry.hpp"
#include "engine/notify/rule_worker.hpp"
#include "engine/values/uuid.hpp"

#include <algorithm>
#include <utility>

// What a rule has made on its way through its channels.

namespace sluice::notify {

namespace {

constexpr std::int64_t most_at_once = 16;
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

notice rule_worker::notice_about(const store::delivery& what) const {
  notice made;
  made.id = what.key;
  made.kind = what.kind;
  made.pipeline = held_.pipeline;
  made.rule = held_.name;
  made.channel = what.channel;
  made.time = what.created;
  made.body = what.body;
  made.record = [store = store_](const std::string& run) { return store->find_run(run); };
  return made;
}

result<notice> rule_worker::notice_of(const store::delivery& what) {
  auto made = notice_about(what);
  // These are not in the log.
  const auto& how = rule_.settings();
  if (what.kind == "heartbeat" || what.type == missing_type) {
    store::event told;
    told.id = what.key;
    told.type = what.type;
    told.time = what.created;
    told.pipeline = held_.pipeline;
    told.data = options{{"rule", held_.id}};
    if (how.heartbeat) told.data["every_microseconds"] = *how.heartbeat;
    if (how.absent) told.data["absent_microseconds"] = *how.absent;
    if (how.absent) told.data["when"] = how.when;
    made.events.push_back(std::move(told));
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
  if (auto fresh = through.queue.take(most_at_once); !fresh.empty()) return send_fresh(through, name, std::move(fresh));
  if (!through.queue.behind()) return sent_turn{};
  return send_stored(through, name);
}

sent_turn rule_worker::send_fresh(channel& through, const std::string& name,
                                  std::vector<channel_queue::message> messages) {
  finished_turn turn{.subscription = held_.id, .pipeline = held_.pipeline, .channel = name};
  const auto lane = messages.front().what.lane;
  for (auto& one : messages) {
    auto made = notice_about(one.what);
    made.events.push_back(*one.event);
    auto attempt = through.what->deliver(made);
    turn.disable = attempt.what == delivery_attempt::outcome::disable;
    turn.outcomes.push_back(outcome_of(one.what, std::move(attempt), false));
    if (turn.outcomes.back().state != store::delivery_state::delivered) break;
  }
  sent_turn sent{.tried = turn.outcomes.size(), .next = {}};
  finish(through, name, lane, std::move(turn));
  return sent;
}

result<sent_turn> rule_worker::send_stored(channel& through, const std::string& name) {
  auto& log = store::deliveries_of(*store_);
  const auto before = through.queue.messages_to_store();
  sent_turn sent;
  SLUICE_ASSIGN(const auto due, through.queue.take_stored(
                                    [&](const std::vector<std::string>& busy) -> result<std::vector<store::delivery>> {
                                      SLUICE_ASSIGN(auto found, log.due(held_.id, name, now_(), busy, most_at_once));
                                      if (found.empty()) {
                                        SLUICE_ASSIGN(sent.next, log.next_due(held_.id, name, busy));
                                      }
                                      return found;
                                    }));
  if (due.empty()) {
    if (!sent.next) through.queue.caught_up(before);
    return sent;
  }
  const auto& lane = due.front().lane;
  finished_turn turn{.subscription = held_.id, .pipeline = held_.pipeline, .channel = name};
  for (const auto& one : due) {
    auto made = notice_of(one);
    // What can't be told any more would be tried for ever.
    const bool gone = !made.ok() && made.problem().code == "event_not_found";
    if (!made.ok() && !gone) {
      if (turn.outcomes.empty()) {
        through.queue.release(lane);
        return std::move(made).problem();
      }
      break;
    }
    delivery_attempt attempt;
    if (gone)
      attempt.answer = made.problem().message;
    else
      attempt = through.what->deliver(*made);
    turn.disable = attempt.what == delivery_attempt::outcome::disable;
    turn.tries_before = one.tries;
    turn.outcomes.push_back(outcome_of(one, std::move(attempt), gone));
    if (turn.outcomes.back().state != store::delivery_state::delivered) break;
  }
  sent.tried = turn.outcomes.size();
  finish(through, name, lane, std::move(turn));
  return sent;
}

store::tried_delivery rule_worker::outcome_of(const store::delivery& what, delivery_attempt attempt, bool gone) const {
  const auto at = now_();
  store::tried_delivery outcome{.key = what.key, .at = at, .answer = answer_text(std::move(attempt.answer))};
  if (attempt.what == delivery_attempt::outcome::delivered) return outcome;
  const auto asked = attempt.ask_again ? std::optional(attempt.ask_again->count()) : std::nullopt;
  outcome.next_at = at + pause_before_retry(what.tries + 1, random_bits(), asked);
  const auto first = what.first_try == 0 ? at : what.first_try;
  const bool disable = attempt.what == delivery_attempt::outcome::disable;
  outcome.state = gone || outcome.next_at - first > give_up_after ? store::delivery_state::given_up
                  : disable || what.kind == "heartbeat"           ? store::delivery_state::dropped
                                                                  : store::delivery_state::open;
  return outcome;
}

void rule_worker::finish(channel& through, const std::string& name, const std::string& lane, finished_turn turn) {
  const bool failed = turn.outcomes.back().state != store::delivery_state::delivered;
  through.queue.tried(lane, failed);
  if (turn.disable) through.queue.close();
  book_->add(std::move(turn),
             [self = shared_from_this(), name, lane] { self->channels_.at(name).queue.settled(lane); });
}

}  // namespace sluice::notify
