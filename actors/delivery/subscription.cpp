#include "actors/delivery/dispatcher.hpp"
#include "actors/messages.hpp"
#include "actors/units/blocking_calls.hpp"
#include "actors/units/guarded.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace sluice::actors {

namespace {

/// Notices of different runs that go to one channel at a time.
constexpr std::size_t threads_a_channel = 4;
constexpr auto pause_after_trouble = std::chrono::seconds(1);

class subscription_actor : public caf::event_based_actor {
 public:
  subscription_actor(caf::actor_config& config, const dispatcher_settings& settings, std::string id, caf::actor boss)
      : caf::event_based_actor(config),
        s_(settings),
        id_(std::move(id)),
        boss_(std::move(boss)),
        calls_(this, s_.services.io) {}

  caf::behavior make_behavior() override {
    begin();
    return {
        [this](event_batch& message) { derive(std::move(message.events)); },
        [this](const close_groups&) { closing_ = true, pass(); },
        [this](const actors::leave&) { quit(); },
        resume_calls(),
    };
  }

  void on_exit() override {
    if (work_) {
      work_->interrupt();
      calls_.post([work = work_, store = s_.store, id = id_] {
        (void)guarded("leave a subscription", [&] { return work->keep_mark(); });
        (void)guarded("leave a subscription", [&] { return store::deliveries_of(*store).release_subscription(id); });
      });
    }
    channels_.clear();
    work_ = nullptr;
    boss_ = nullptr;
    s_.notifier = nullptr;
  }

 private:
  using worker = std::shared_ptr<notify::rule_worker>;
  struct channel {
    std::vector<std::shared_ptr<blocking_calls>> free;
    std::size_t busy = 0;
    std::optional<std::int64_t> next = {};      ///< when a delivery is due
    std::optional<std::int64_t> timer_at = {};  ///< a message to itself is on its way for then
  };

  void begin() {
    calls_.call([settings = s_, id = id_] { return open(settings, id); },
                [this](result<worker> opened) {
                  if (!opened.ok()) return leave(opened.problem().message);
                  if (*opened == nullptr) return leave();
                  work_ = std::move(*opened);
                  for (const auto& name : work_->channels()) {
                    auto& one = channels_[name];
                    for (std::size_t at = 0; at < threads_a_channel; ++at)
                      one.free.push_back(std::make_shared<blocking_calls>(this, s_.services.io));
                  }
                  send(s_.notifier, subscribe_events{this, work_->at(), {}});
                  pass();
                  pump_all();
                });
  }

  static result<worker> open(const dispatcher_settings& settings, const std::string& id) {
    SLUICE_ASSIGN(const auto held,
                  guarded("take a subscription", [&] { return store::deliveries_of(*settings.store).hold(id); }));
    if (!held) return worker();
    auto made = guarded("open channels",
                        [&] { return notify::rule_worker::make(*held, settings.store, settings.make, settings.now); });
    if (!made.ok()) (void)store::deliveries_of(*settings.store).release_subscription(id);
    return made;
  }

  void leave(const std::string& why = {}) {
    send(boss_, subscription_left{id_, why});
    quit();
  }

  void derive(std::vector<store::event> events) {
    ++working_;
    tell();
    const auto shared = std::make_shared<std::vector<store::event>>(std::move(events));
    calls_.call([work = work_, shared] { return guarded("make notifications", [&] { return work->derive(*shared); }); },
                [this, shared](const result<bool>& any) {
                  --working_;
                  if (!any.ok()) {
                    if (any.problem().code == "subscription_taken") return leave();
                    return later(pause_after_trouble, [this, shared] { derive(*shared); });
                  }
                  send(s_.notifier, events_seen{shared->empty() ? work_->at() : shared->back().cursor});
                  if (closing_) pass();
                  settled(*any);
                });
  }

  void pass() {
    if (!work_) return;
    ++working_;
    calls_.call(
        [work = work_, close = closing_] { return guarded("make notifications", [&] { return work->pass(close); }); },
        [this](const result<bool>& any) {
          --working_;
          if (!any.ok()) {
            if (any.problem().code == "subscription_taken") return leave();
            return later(pause_after_trouble, [this] { pass(); });
          }
          settled(*any);
        });
  }

  void settled(bool any) {
    if (any) pump_all();
    if (work_->held().until && work_->at() >= *work_->held().until) end_when_empty();
    if (const auto next = work_->next_pass(); next && (!pass_at_ || *next < *pass_at_)) {
      pass_at_ = next;
      later(wait_until(*next), [this] {
        pass_at_.reset();
        pass();
      });
    }
    tell();
  }

  /// The rule is gone: with its last delivery the subscription is.
  void end_when_empty() {
    const bool waits = std::any_of(channels_.begin(), channels_.end(),
                                   [](const auto& one) { return one.second.busy > 0 || one.second.next; });
    if (waits) return;
    calls_.call(
        [store = s_.store, id = id_] {
          return guarded("forget a subscription", [&] { return store::deliveries_of(*store).forget_subscription(id); });
        },
        [](const status&) {});
  }

  void pump_all() {
    for (auto& [name, one] : channels_) pump(name);
  }

  void pump(const std::string& name) {
    auto& one = channels_.at(name);
    if (one.free.empty()) return;
    auto calls = one.free.back();
    one.free.pop_back();
    ++one.busy;
    auto& made = *calls;
    made.call([work = work_, name] { return guarded("send notifications", [&] { return work->send(name); }); },
              [this, name, calls = std::move(calls)](result<notify::sent_turn> turn) mutable {
                sent(name, std::move(calls), std::move(turn));
              });
    tell();
  }

  void sent(const std::string& name, std::shared_ptr<blocking_calls> calls, result<notify::sent_turn> turn) {
    auto& one = channels_.at(name);
    one.free.push_back(std::move(calls));
    --one.busy;
    if (!turn.ok()) {
      wake_at(name, s_.now() + std::chrono::microseconds(pause_after_trouble).count());
      return tell();
    }
    one.next = turn->next;
    if (!turn->events.empty()) send(s_.notifier, events_written{std::move(turn->events)});
    if (turn->tried > 0) {
      pump(name);
      pump(name);  // another run may wait too
    } else if (one.next) {
      wake_at(name, *one.next);
    } else if (work_->held().until && work_->at() >= *work_->held().until) {
      end_when_empty();
    }
    tell();
  }

  void wake_at(const std::string& name, std::int64_t at) {
    auto& one = channels_.at(name);
    if (one.timer_at && *one.timer_at <= at) return;
    one.timer_at = at;
    later(wait_until(at), [this, name, at] {
      auto& through = channels_.at(name);
      if (through.timer_at == at) through.timer_at.reset();
      pump(name);
    });
  }

  /// Not longer than a minute: clocks are put right.
  std::chrono::microseconds wait_until(std::int64_t at) const {
    return std::clamp<std::chrono::microseconds>(std::chrono::microseconds(at - s_.now()), std::chrono::milliseconds(1),
                                                 std::chrono::minutes(1));
  }

  void later(std::chrono::microseconds time, std::function<void()> what) {
    delayed_send(this, time, continuation{[this, what = std::move(what)] {
                   if (work_) what();
                 }});
  }

  void tell() {
    if (!work_) return;
    subscription_progress now{.id = id_, .at = work_->at(), .busy = working_ > 0, .next = 0};
    for (const auto& [name, one] : channels_) {
      now.busy = now.busy || one.busy > 0;
      if (one.next && (now.next == 0 || *one.next < now.next)) now.next = std::max<std::int64_t>(*one.next, 1);
    }
    send(boss_, now);
  }

  dispatcher_settings s_;
  std::string id_;
  caf::actor boss_;
  blocking_calls calls_;
  worker work_;  ///< null until the subscription is held
  std::map<std::string, channel> channels_;
  int working_ = 0;  ///< events and timers that are being looked at
  bool closing_ = false;
  std::optional<std::int64_t> pass_at_;
};

}  // namespace

caf::actor spawn_subscription(caf::actor_system& system, const dispatcher_settings& settings, const std::string& id,
                              const caf::actor& boss) {
  return system.spawn<subscription_actor>(settings, id, boss);
}

}  // namespace sluice::actors
