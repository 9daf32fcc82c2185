#include "actors/delivery/log_reader.hpp"

#include "actors/messages.hpp"
#include "actors/units/blocking_calls.hpp"
#include "actors/units/guarded.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <utility>

namespace sluice::actors {

namespace {

constexpr auto pause_after_trouble = std::chrono::seconds(1);
constexpr std::int64_t most_read = 256;
/// So many messages and tries may wait for the Store before rules make more.
constexpr std::size_t most_waiting = 4096;

using worker = std::shared_ptr<notify::rule_worker>;
using workers = std::vector<std::pair<std::string, worker>>;
using event_list = std::shared_ptr<const std::vector<store::event>>;

/// What a look at a batch has done, rule by rule.
struct batch_turn {
  std::vector<std::pair<std::string, notify::derived_turn>> turned = {};
  std::vector<std::string> taken = {};   ///< another process works on them
  std::vector<std::string> failed = {};  ///< the Store did not answer their questions, for one
};

result<batch_turn> look_at(const event_list& events, const workers& rules, store::store& in, bool live) {
  SLUICE_ASSIGN(const auto held, store::deliveries_of(in).held());
  notify::log_batch batch(events, in, live);
  batch_turn made;
  for (const auto& [id, rule] : rules) {
    const auto found = std::lower_bound(held.begin(), held.end(), id,
                                        [](const auto& one, const std::string& name) { return one.id < name; });
    if (found == held.end() || found->id != id) {
      made.taken.push_back(id);
      continue;
    }
    const auto turn = guarded("make notifications", [&, &of = rule] { return of->derive(batch, found->until); });
    if (turn.ok())
      made.turned.emplace_back(id, *turn);
    else
      made.failed.push_back(id);
  }
  return made;
}

class log_reader : public caf::event_based_actor {
 public:
  log_reader(caf::actor_config& config, const dispatcher_settings& settings,
             std::shared_ptr<notify::delivery_book> book, caf::actor boss)
      : caf::event_based_actor(config),
        s_(settings),
        book_(std::move(book)),
        boss_(std::move(boss)),
        looking_(this, s_.services.io),
        writing_(this, s_.services.io) {}

  caf::behavior make_behavior() override {
    begin();
    return {
        [this](event_batch& message) {
          batch_ = std::make_shared<const std::vector<store::event>>(std::move(message.events));
          go_on();
        },
        [this](join_log& message) { join(std::move(message)); },
        [this](const leave_log& message) { leave(message.id); },
        [this](const pass_rule& message) {
          passes_.push_back(message);
          go_on();
        },
        [this](const messages_tried&) { write(); },
        [this](const actors::leave&) { quit(); },
        resume_calls(),
    };
  }

  void on_exit() override {
    while (!members_.empty()) leave(members_.begin()->first);
    boss_ = nullptr;
    s_.notifier = nullptr;
  }

 private:
  struct member {
    worker rule;
    caf::actor to;
    bool behind = true;
    bool resting = false;  ///< it has failed, and tries again later
    std::uint64_t woken = 0;
  };

  void begin() {
    looking_.call([store = s_.store] { return guarded("read events", [&] { return store->last_cursor(); }); },
                  [this](const result<std::int64_t>& newest) {
                    if (!newest.ok()) return later([this] { begin(); });
                    at_ = *newest;
                    send(s_.notifier, subscribe_events{this, at_, {}});
                    go_on();
                  });
  }

  void join(join_log message) {
    members_[message.id] = {.rule = std::move(message.rule), .to = message.from};
    tell();
    send(message.from, log_joined{});
    go_on();
  }

  /// What it has made goes before its last mark, and both before somebody else may have it.
  void leave(const std::string& id) {
    const auto found = members_.find(id);
    if (found == members_.end()) return;
    looking_.post([rule = found->second.rule, book = book_, store = s_.store, id, writing = writing_]() mutable {
      rule->close();
      writing.post([book, store, id] {
        (void)guarded("leave a subscription", [&] { return book->write(); });
        (void)guarded("leave a subscription", [&] { return store::deliveries_of(*store).release_subscription(id); });
      });
    });
    members_.erase(found);
  }

  /// One look at a time: the clock first, then what is new, then those that are behind.
  void go_on() {
    if (looks_ || at_ < 0) return;
    if (!passes_.empty()) return pass();
    if (book_->waiting() >= most_waiting) return write();
    if (batch_) return look();
    if (const auto behind = next_behind(); !behind.empty()) return catch_up(behind);
    tell();
  }

  void pass() {
    const auto wanted = passes_.front();
    passes_.pop_front();
    const auto found = members_.find(wanted.id);
    if (found == members_.end()) return go_on();
    looks_ = true;
    looking_.call([rule = found->second.rule,
                   close = wanted.close] { return guarded("make notifications", [&] { return rule->pass(close); }); },
                  [this, wanted](const result<notify::derived_turn>& turn) {
                    looks_ = false;
                    if (!turn.ok())
                      later([this, wanted] { passes_.push_back(wanted), go_on(); });
                    else
                      turned({{wanted.id, *turn}}, true);
                    write();
                    go_on();
                  });
  }

  void look() {
    workers live;
    for (const auto& [id, one] : members_)
      if (!one.behind) live.emplace_back(id, one.rule);
    looks_ = true;
    looking_.call(
        [events = batch_, live = std::move(live), store = s_.store] {
          return guarded("make notifications", [&] { return look_at(events, live, *store, true); });
        },
        [this](const result<batch_turn>& turn) {
          looks_ = false;
          if (!turn.ok()) return rest();
          at_ = std::max(at_, batch_->back().cursor);
          batch_ = nullptr;
          send(s_.notifier, events_seen{at_});
          // One that joined meanwhile, or could not look, reads these events by itself.
          for (auto& [id, one] : members_) one.behind = one.behind || one.rule->at() < at_;
          looked(*turn);
        });
  }

  /// Those that are behind take turns; empty: nobody is.
  std::string next_behind() {
    const auto behind = [](const auto& one) { return one.second.behind && !one.second.resting; };
    auto found = std::find_if(members_.upper_bound(caught_up_), members_.end(), behind);
    if (found == members_.end()) found = std::find_if(members_.begin(), members_.end(), behind);
    return caught_up_ = found == members_.end() ? std::string() : found->first;
  }

  /// With all that are as far or further: after a start most are at about the same place, and one read serves them.
  void catch_up(const std::string& id) {
    const auto from = members_.at(id).rule->at();
    workers together;
    for (const auto& [name, one] : members_)
      if (one.behind && !one.resting && one.rule->at() >= from) together.emplace_back(name, one.rule);
    looks_ = true;
    looking_.call(
        [together, from, store = s_.store, newest = at_]() -> result<batch_turn> {
          SLUICE_ASSIGN(auto events, guarded("read events", [&] { return store->events(from, "", most_read); }));
          const bool all = static_cast<std::int64_t>(events.size()) < most_read;
          const auto shared = std::make_shared<const std::vector<store::event>>(std::move(events));
          auto made = guarded("make notifications", [&] { return look_at(shared, together, *store, false); });
          // Those that are not there any more concern nobody.
          if (made.ok() && all)
            for (const auto& [name, rule] : together)
              if (std::find(made->failed.begin(), made->failed.end(), name) == made->failed.end())
                rule->skip_to(newest);
          return made;
        },
        [this, together](const result<batch_turn>& turn) {
          looks_ = false;
          if (!turn.ok()) return rest();
          for (const auto& [name, rule] : together)
            if (const auto found = members_.find(name); found != members_.end())
              found->second.behind = found->second.rule->at() < at_;
          looked(*turn);
        });
  }

  void looked(const batch_turn& turn) {
    turned(turn.turned, false);
    taken(turn.taken);
    for (const auto& id : turn.failed) {
      const auto found = members_.find(id);
      if (found == members_.end()) continue;
      found->second.resting = true;
      later([this, id] {
        if (const auto still = members_.find(id); still != members_.end()) still->second.resting = false;
        go_on();
      });
    }
    write();
    go_on();
  }

  void turned(const std::vector<std::pair<std::string, notify::derived_turn>>& turns, bool passed) {
    log_progress progress{.at = lowest(), .busy = true, .woken = {}};
    for (const auto& [id, turn] : turns) {
      const auto found = members_.find(id);
      if (found == members_.end()) continue;
      auto& one = found->second;
      if (turn.wake) progress.woken.emplace_back(id, ++one.woken);
      if (turn.wake || turn.next_pass || passed)
        send(one.to,
             rule_turned{.number = one.woken, .wake = turn.wake, .next_pass = turn.next_pass, .passed = passed});
    }
    told_ = {};
    send(boss_, std::move(progress));
  }

  void taken(const std::vector<std::string>& ids) {
    for (const auto& id : ids)
      if (const auto found = members_.find(id); found != members_.end()) {
        send(found->second.to, subscription_taken{});
        members_.erase(found);
      }
  }

  void write() {
    if (writes_ || book_->waiting() == 0) return;
    writes_ = true;
    writing_.call([book = book_] { return guarded("keep notifications", [&] { return book->write(); }); },
                  [this](result<notify::delivery_book::written> made) {
                    writes_ = false;
                    if (!made.ok()) return later([this] { write(); });
                    written(std::move(*made));
                    write();
                    go_on();
                  });
  }

  void written(notify::delivery_book::written made) {
    if (!made.events.empty()) send(s_.notifier, events_written{std::move(made.events)});
    taken(made.taken);
    for (const auto& [pipeline, channel] : made.disabled)
      for (const auto& [id, one] : members_)
        if (one.rule->held().pipeline == pipeline) one.rule->disable(channel);
    for (const auto& id : made.subscriptions)
      if (const auto found = members_.find(id); found != members_.end()) send(found->second.to, deliveries_kept{});
  }

  [[nodiscard]] std::int64_t lowest() const {
    auto at = at_;
    for (const auto& [id, one] : members_) at = std::min(at, one.rule->at());
    return at;
  }

  void tell() {
    const log_progress now{.at = lowest(), .busy = looks_ || batch_ || !passes_.empty(), .woken = {}};
    if (told_ && told_->at == now.at && told_->busy == now.busy) return;
    told_ = now;
    send(boss_, now);
  }

  /// A Store that is busy or gone.
  void rest() {
    later([this] { go_on(); });
  }

  void later(std::function<void()> what) { delayed_send(this, pause_after_trouble, continuation{std::move(what)}); }

  dispatcher_settings s_;
  std::shared_ptr<notify::delivery_book> book_;
  caf::actor boss_;
  blocking_calls looking_;
  blocking_calls writing_;
  std::map<std::string, member> members_;  ///< by subscription
  std::int64_t at_ = -1;                   ///< newest event that was looked at; -1: not known yet
  event_list batch_;                       ///< what came then
  std::string caught_up_;                  ///< the rule that has read the log last because it was behind
  std::deque<pass_rule> passes_;
  bool looks_ = false;
  bool writes_ = false;
  std::optional<log_progress> told_;
};

}  // namespace

caf::actor spawn_log_reader(caf::actor_system& system, const dispatcher_settings& settings,
                            std::shared_ptr<notify::delivery_book> book, const caf::actor& boss) {
  return system.spawn<log_reader>(settings, std::move(book), boss);
}

}  // namespace sluice::actors
