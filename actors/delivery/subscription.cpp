#include "actors/delivery/log_reader.hpp"
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
  subscription_actor(caf::actor_config& config, const dispatcher_settings& settings,
                     std::shared_ptr<notify::delivery_book> book, std::string id, caf::actor reader, caf::actor boss)
      : caf::event_based_actor(config),
        s_(settings),
        book_(std::move(book)),
        id_(std::move(id)),
        reader_(std::move(reader)),
        boss_(std::move(boss)),
        calls_(this, s_.services.io) {}

  caf::behavior make_behavior() override {
    begin();
    return {
        [this](const log_joined&) {
          --working_;
          pass();
          pump_all();
        },
        [this](const rule_turned& turn) { turned(turn); },
        [this](const deliveries_kept&) {
          pump_all();
          settled();
        },
        [this](const subscription_taken&) { leave(); },
        [this](const close_groups&) {
          closing_ = true;
          told_.reset();  // the dispatcher waits for a word
          pass();
        },
        [this](const actors::leave&) { quit(); },
        resume_calls(),
    };
  }

  void on_exit() override {
    if (work_) {
      work_->interrupt();
      send(reader_, leave_log{id_});
    }
    channels_.clear();
    work_ = nullptr;
    boss_ = nullptr;
    reader_ = nullptr;
    s_.notifier = nullptr;
  }

 private:
  using worker = std::shared_ptr<notify::rule_worker>;
  struct channel {
    std::vector<std::shared_ptr<blocking_calls>> free;
    std::size_t busy = 0;
    std::optional<std::int64_t> next = {};  ///< when a delivery is due, said the newest turn that knows
    std::uint64_t turns = 0;                ///< of sending that were begun
    std::uint64_t newest = 0;               ///< the newest of those that said `next`
    /// Something was made or tried of which turns up to this one may know nothing; not set: the newest knows all.
    std::optional<std::uint64_t> unsure = 0;
    std::optional<std::int64_t> timer_at = {};  ///< a message to itself is on its way for then
  };

  void begin() {
    calls_.call([settings = s_, book = book_, id = id_] { return open(settings, book, id); },
                [this](result<worker> opened) {
                  if (!opened.ok()) return leave(opened.problem().message);
                  if (*opened == nullptr) return leave();
                  work_ = std::move(*opened);
                  for (const auto& name : work_->channels()) {
                    auto& one = channels_[name];
                    for (std::size_t at = 0; at < threads_a_channel; ++at)
                      one.free.push_back(std::make_shared<blocking_calls>(this, s_.services.io));
                  }
                  ++working_;
                  send(reader_, join_log{.id = id_, .from = this, .rule = work_});
                });
  }

  static result<worker> open(const dispatcher_settings& settings, const std::shared_ptr<notify::delivery_book>& book,
                             const std::string& id) {
    SLUICE_ASSIGN(const auto held,
                  guarded("take a subscription", [&] { return store::deliveries_of(*settings.store).hold(id); }));
    if (!held) return worker();
    auto made = guarded("open channels", [&] {
      return notify::rule_worker::make(*held, settings.store, book, settings.make, settings.now);
    });
    if (!made.ok()) (void)store::deliveries_of(*settings.store).release_subscription(id);
    return made;
  }

  void leave(const std::string& why = {}) {
    send(boss_, subscription_left{id_, why});
    quit();
  }

  void pass() {
    if (!work_) return;
    ++working_;
    send(reader_, pass_rule{id_, closing_});
  }

  void turned(const rule_turned& turn) {
    turns_ = turn.number;
    if (turn.passed) --working_;
    if (closing_ && !turn.passed) pass();
    if (turn.wake) {
      for (auto& [name, one] : channels_) one.unsure = one.turns;
      pump_all();
    }
    if (turn.next_pass && (!pass_at_ || *turn.next_pass < *pass_at_)) {
      pass_at_ = turn.next_pass;
      later(wait_until(*turn.next_pass), [this] {
        pass_at_.reset();
        pass();
      });
    }
    settled();
  }

  void settled() {
    if (work_->held().until && work_->at() >= *work_->held().until) end_when_empty();
    tell();
  }

  /// The rule is gone: with its last delivery the subscription is.
  void end_when_empty() {
    const bool waits = work_->busy() || std::any_of(channels_.begin(), channels_.end(), [](const auto& one) {
                         return one.second.busy > 0 || one.second.next;
                       });
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
    // What is not durable yet can't be seen in the Store.
    const bool sees_all = !work_->busy();
    if (!work_->ready(name)) {
      if (sees_all) one.unsure.reset();
      return;
    }
    if (one.free.empty()) return;
    auto calls = one.free.back();
    one.free.pop_back();
    ++one.busy;
    const auto number = ++one.turns;
    auto& made = *calls;
    made.call([work = work_, name] { return guarded("send notifications", [&] { return work->send(name); }); },
              [this, name, number, sees_all, calls = std::move(calls)](const result<notify::sent_turn>& turn) mutable {
                one_less(name, std::move(calls));
                sent(name, number, sees_all, turn);
              });
    tell();
  }

  void one_less(const std::string& name, std::shared_ptr<blocking_calls> calls) {
    auto& one = channels_.at(name);
    one.free.push_back(std::move(calls));
    --one.busy;
  }

  void sent(const std::string& name, std::uint64_t number, bool sees_all, const result<notify::sent_turn>& turn) {
    auto& one = channels_.at(name);
    if (!turn.ok()) {
      wake_at(name, s_.now() + std::chrono::microseconds(pause_after_trouble).count());
      return tell();
    }
    if (turn->tried > 0) {
      one.unsure = one.turns;
      send(reader_, messages_tried{});
      pump(name);
      pump(name);  // another run may wait too
    } else if (number > one.newest) {
      // A turn that was begun earlier and ends later knows less.
      one.newest = number;
      one.next = turn->next;
      if (one.next) wake_at(name, *one.next);
      if (sees_all && one.unsure && number > *one.unsure) one.unsure.reset();
    }
    if (one.unsure && !work_->busy()) pump(name);
    settled();
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
    subscription_progress now{.id = id_, .busy = working_ > 0 || work_->busy(), .next = 0, .turns = turns_};
    for (const auto& [name, one] : channels_) {
      now.busy = now.busy || one.busy > 0 || one.unsure.has_value();
      if (one.next && (now.next == 0 || *one.next < now.next)) now.next = std::max<std::int64_t>(*one.next, 1);
    }
    if (told_ && told_->busy == now.busy && told_->next == now.next && told_->turns == now.turns) return;
    told_ = now;
    send(boss_, now);
  }

  dispatcher_settings s_;
  std::shared_ptr<notify::delivery_book> book_;
  std::string id_;
  caf::actor reader_;
  caf::actor boss_;
  blocking_calls calls_;
  worker work_;  ///< null until the subscription is held
  std::map<std::string, channel> channels_;
  int working_ = 0;  ///< it waits for the reader so many times
  bool closing_ = false;
  std::uint64_t turns_ = 0;
  std::optional<subscription_progress> told_;
  std::optional<std::int64_t> pass_at_;
};

}  // namespace

caf::actor spawn_subscription(caf::actor_system& system, const dispatcher_settings& settings,
                              std::shared_ptr<notify::delivery_book> book, const std::string& id,
                              const caf::actor& reader, const caf::actor& boss) {
  return system.spawn<subscription_actor>(settings, std::move(book), id, reader, boss);
}

}  // namespace sluice::actors
