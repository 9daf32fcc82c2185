#include "actors/schedule/scheduler.hpp"

#include "actors/messages.hpp"
#include "actors/units/blocking_calls.hpp"
#include "actors/units/guarded.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace sluice::actors {

namespace {

std::int64_t system_now() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

bool ends_run(const store::event& what) {
  return what.type == "run.succeeded" || what.type == "run.partial" || what.type == "run.failed" ||
         what.type == "run.cancelled";
}

class scheduler : public caf::event_based_actor {
 public:
  scheduler(caf::actor_config& config, scheduler_settings settings)
      : caf::event_based_actor(config), s_(std::move(settings)), calls_(this, s_.services.io) {
    if (!s_.now) s_.now = system_now;
    keeper_ = std::make_shared<schedule::keeper>(s_.store, s_.now);
    for (std::size_t at = 0; at < s_.starts_at_once; ++at)
      free_.push_back(std::make_shared<blocking_calls>(this, s_.services.io));
  }

  caf::behavior make_behavior() override {
    // It ends with the notifier, as all that is around it does.
    monitor(s_.notifier);
    set_down_handler([this](const caf::down_msg&) { quit(); });
    follow_events();
    look();
    return {
        [this](const look_at_schedules&) { look(); },
        [this](const event_batch& message) { seen(message); },
        [this](const actors::leave&) { quit(); },
        resume_calls(),
    };
  }

  void on_exit() override {
    // Whatever is being started goes on; what became of it is found in the Store by the next one.
    free_.clear();
    keeper_ = nullptr;
    s_.notifier = nullptr;
    s_.start = nullptr;
  }

 private:
  /// Ends of runs make room in backfills, and start what comes after them.
  void follow_events() {
    calls_.call([store = s_.store] { return guarded("read events", [&] { return store->last_cursor(); }); },
                [this](const result<std::int64_t>& newest) {
                  send(s_.notifier, subscribe_events{this, newest.ok() ? *newest : 0, {}});
                });
  }

  void seen(const event_batch& message) {
    send(s_.notifier, events_seen{message.events.empty() ? 0 : message.events.back().cursor});
    if (std::any_of(message.events.begin(), message.events.end(), ends_run)) look();
  }

  void look() {
    if (looking_) {
      again_ = true;
      return;
    }
    looking_ = true;
    again_ = false;
    calls_.call([keeper = keeper_] { return guarded("follow schedules", [&] { return keeper->look(); }); },
                [this](result<schedule::keeper_turn> turn) {
                  looking_ = false;
                  if (turn.ok()) {
                    found(*turn);
                  } else {
                    tell("schedules can't be followed: " + turn.problem().message);
                  }
                  if (again_) return look();
                  wait(turn.ok() ? turn->next : std::nullopt);
                });
  }

  void found(schedule::keeper_turn& turn) {
    if (!turn.events.empty()) send(s_.notifier, events_written{std::move(turn.events)});
    std::set<std::string> problems(turn.problems.begin(), turn.problems.end());
    for (const auto& one : problems)
      if (problems_.count(one) == 0) tell(one);
    problems_ = std::move(problems);
    for (auto& one : turn.ready) {
      if (free_.empty()) return;
      if (under_way_.insert(one.pipeline).second) start(std::move(one));
    }
  }

  void start(store::pending_start what) {
    auto calls = free_.back();
    free_.pop_back();
    auto& made = *calls;
    made.call(
        [keeper = keeper_, start = s_.start, what] {
          const auto outcome = guarded("start a run", [&] { return start(what); });
          return guarded("note what was started", [&] { return keeper->settle(what, outcome); });
        },
        [this, pipeline = what.pipeline, calls = std::move(calls)](result<std::vector<store::event>> told) mutable {
          free_.push_back(std::move(calls));
          under_way_.erase(pipeline);
          if (told.ok() && !told->empty()) send(s_.notifier, events_written{std::move(told).value()});
          look();
        });
  }

  /// Not longer than the interval: other processes add starts, and clocks are put right.
  void wait(std::optional<std::int64_t> next) {
    auto pause = std::chrono::duration_cast<std::chrono::microseconds>(s_.look_interval);
    if (next)
      pause = std::clamp<std::chrono::microseconds>(std::chrono::microseconds(*next - s_.now()),
                                                    std::chrono::milliseconds(1), pause);
    const auto turn = ++waiting_;
    delayed_send(this, pause, continuation{[this, turn] {
                   if (turn == waiting_ && keeper_) look();
                 }});
  }

  void tell(const std::string& what) {
    if (s_.log) s_.log(what);
  }

  scheduler_settings s_;
  blocking_calls calls_;
  std::shared_ptr<schedule::keeper> keeper_;
  std::vector<std::shared_ptr<blocking_calls>> free_;
  std::set<std::string> under_way_;  ///< pipelines of which a start is being worked on
  std::set<std::string> problems_;   ///< that were told
  bool looking_ = false;
  bool again_ = false;
  std::uint64_t waiting_ = 0;  ///< the newest timer; older ones do nothing
};

}  // namespace

caf::actor spawn_scheduler(caf::actor_system& system, scheduler_settings settings) {
  return system.spawn<scheduler>(std::move(settings));
}

}  // namespace sluice::actors
