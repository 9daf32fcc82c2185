#include "actors/run/control.hpp"

#include "actors/messages.hpp"
#include "actors/run/adoption.hpp"
#include "actors/run/follow_messages.hpp"
#include "actors/run/list_progress.hpp"
#include "actors/run/lost_ends.hpp"
#include "actors/run/next_try.hpp"
#include "actors/run/rescale.hpp"
#include "actors/run/run_creation.hpp"
#include "actors/run/supervisor.hpp"
#include "actors/units/blocking_calls.hpp"
#include "actors/units/guarded.hpp"
#include "engine/flow/run_queue.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace sluice::actors {

namespace {

/// How many ended runs are remembered for those who ask late.
constexpr std::size_t most_outcomes = 200;
/// How soon the Store is asked again where it gave no answer.
constexpr auto look_again = std::chrono::seconds(1);
/// How long nodes may take to say which units they have.
constexpr auto most_looking = std::chrono::minutes(1);

class control : public caf::event_based_actor {
 public:
  control(caf::actor_config& config, control_settings settings)
      : caf::event_based_actor(config),
        s_(std::move(settings)),
        calls_(this, s_.services.io),
        plans_(this, s_.services.io),
        lost_(this, s_.services.io, s_.store, s_.make_sink,
              {.ended = [this](auto outcome) { ended(run_ended{std::move(outcome)}); },
               .told =
                   [this](store::event last) {
                     if (s_.notifier) send(s_.notifier, events_written{{std::move(last)}});
                   }}),
        queue_(s_.most_runs) {}

  caf::behavior make_behavior() override {
    set_down_handler([this](const caf::down_msg& gone) { lost(gone); });
    if (s_.settle_interval.count() > 0) lost_.keep_settling(s_.settle_interval);
    return {
        [this](const submit_setup& message) { return submit(message.setup); },
        [this](const cancel_run& message) -> caf::result<cancel_answer> { return cancel(message.run); },
        [this](const steer_run& message) { return steer(message); },
        [this](const scale_run& message) { return scale(message); },
        [this](const get_progress& message) { return progress(message); },
        [this](const list_live_runs&) { return list(); },
        [this](const await_run& message) { await(message); },
        [this](const run_ended& message) { ended(message); },
        [this](const shut_down&) { return close(); },
        [this](const actors::leave&) { quit(); },
        resume_calls(),
    };
  }

  void on_exit() override {
    s_.starter = nullptr;
    s_.notifier = nullptr;
    live_.clear();
    waiters_.clear();
    lost_.close();
  }

 private:
  struct live_run {
    std::shared_ptr<const run_setup> setup;
    caf::actor supervisor = nullptr;     ///< null while queued
    bool stored = false;                 ///< the Store has it
    bool cancelled = false;              ///< before the Store had it, or while it was planned again
    bool waited = false;                 ///< for another run: its plan may be out of date
    bool planning = false;               ///< again, or for its next try
    std::uint32_t waits = 0;             ///< for its next try, by number; 0: it does not wait
    std::optional<scaling> scaled = {};  ///< what it is to be when it is paused
  };

  // -- submitting: the run is in the Store before the submitter hears of it

  caf::response_promise submit(const std::shared_ptr<const run_setup>& setup) {
    auto promise = make_response_promise();
    if (closing_ || live_.count(setup->run) > 0) {
      promise.deliver(caf::make_error(caf::sec::request_receiver_down));
      return promise;
    }
    const auto others = queue_.in_the_way_of(setup->claim);
    if (others.empty() || setup->overlap != overlap_rule::skip) return queue_up(setup, promise);
    // Whoever has read in the Store that a run has ended may be faster than its supervisor's last word.
    calls_.call([store = s_.store, others] { return all_ended(*store, others); },
                [this, setup, first = others.front(), promise](bool ended) mutable {
                  if (ended && !closing_ && live_.count(setup->run) == 0) return (void)queue_up(setup, promise);
                  promise.deliver(submission_refused{{already_running(setup->claim, "run " + first)}});
                });
    return promise;
  }

  caf::response_promise queue_up(const std::shared_ptr<const run_setup>& setup, caf::response_promise promise) {
    const auto others = queue_.in_the_way_of(setup->claim);
    if (setup->overlap == overlap_rule::cancel)
      for (const auto& other : others) cancel(other);
    live_[setup->run] = {.setup = setup, .waited = !others.empty()};
    queue_.add(setup->run, setup->claim);
    if (setup->adopts) return look_for_units(setup, promise);
    auto record = setup->record;
    // Checked when it is planned again.
    if (!others.empty()) record.state_version.reset();
    create(
        setup, [store = s_.store, setup, record = std::move(record)] { return create_run(*store, *setup, record); },
        promise);
    return promise;
  }

  // -- a run whose controller has gone: its units may work on

  /// It is this process's from the beginning: whoever looks into the Store meanwhile would end it.
  caf::response_promise look_for_units(const std::shared_ptr<const run_setup>& setup, caf::response_promise promise) {
    lost_.wait(true);
    calls_.call([store = s_.store,
                 run = setup->run] { return guarded("take the run over", [&] { return store->take_over(run); }); },
                [this, setup, promise](const result<std::int64_t>& term) {
                  if (!term.ok()) return without_units(setup, promise);
                  auto ours = std::make_shared<run_setup>(*setup);
                  ours->record.term = *term;
                  ask_for_units(ours, promise);
                });
    return promise;
  }

  void ask_for_units(const std::shared_ptr<const run_setup>& setup, const caf::response_promise& promise) {
    request(s_.starter, most_looking, find_parts{setup})
        .then(
            [this, setup, promise](parts_found& found) {
              if (found.instances.empty() || live_.at(setup->run).cancelled) return leave_units(setup, promise);
              calls_.call(
                  [store = s_.store, setup, all = std::move(found.instances)] {
                    return guarded("take the run over", [&] { return adopt_run(*store, *setup, all); });
                  },
                  [this, setup, promise](result<adopted_run> made) {
                    made.ok() ? adopt(std::move(*made), promise) : leave_units(setup, promise);
                  });
            },
            [this, setup, promise](const caf::error&) { leave_units(setup, promise); });
  }

  /// The run is nobody's again, as the next try expects it.
  void leave_units(const std::shared_ptr<const run_setup>& setup, const caf::response_promise& promise) {
    calls_.call(
        [store = s_.store, run = setup->run] { return guarded("leave the run", [&] { return store->release(run); }); },
        [this, setup, promise](const status& left) {
          if (!left.ok()) lost_.leave_to_next(setup->run);
          without_units(setup, promise);
        });
  }

  void adopt(adopted_run made, caf::response_promise promise) {
    lost_.wait(false);
    auto& found = live_.at(made.setup->run);
    found.stored = true;
    found.setup = made.setup;
    queue_.force(made.setup->run);
    promise.deliver(submitted{made.setup->run});
    if (found.cancelled) send(s_.starter, drop_parts{made.setup->run});
    start(found, {}, std::make_shared<const adopted_run>(std::move(made)));
  }

  /// It goes on at its last checkpoint, or ends.
  void without_units(const std::shared_ptr<const run_setup>& setup, caf::response_promise promise) {
    lost_.wait(false);
    send(s_.starter, drop_parts{setup->run});
    if (!setup->last_try)
      return create(
          setup, [store = s_.store, setup] { return create_run(*store, *setup, setup->record); }, promise);
    promise.deliver(submitted{setup->run});
    lost_.end(setup, *setup->died_of);
  }

  void create(const std::shared_ptr<const run_setup>& setup, std::function<created_run()> work,
              const caf::response_promise& promise) {
    calls_.call(std::move(work), [this, setup, answer = promise](created_run what) mutable {
      if (what.unclear) {
        auto look = [store = s_.store, setup, problem = *what.unclear] {
          return look_for_run(*store, *setup, problem);
        };
        delayed_send(this, look_again, continuation{[this, setup, look, answer] { create(setup, look, answer); }});
        return;
      }
      if (what.refused) {
        answer.deliver(submission_refused{{*what.refused}});
        return refuse(*setup, std::move(*what.refused));
      }
      answer.deliver(submitted{setup->run});
      if (s_.notifier && !what.first.empty()) send(s_.notifier, events_written{std::move(what.first)});
      if (what.ended) return ended(run_ended{what.ended});
      stored(setup->run, what.next);
    });
  }

  /// `next`: of a run that was taken over.
  void stored(const std::string& run, const std::shared_ptr<const run_setup>& next) {
    auto& found = live_.at(run);
    found.stored = true;
    if (next) {
      found.setup = next;
      queue_.force(run);
      if (next->died_of) return start(found, next->died_of);  // it can't be tried again
      if (!found.cancelled) return wait_for_next(run, found);
    }
    if (found.cancelled) return end_at_once(run, found);
    queue_.ready(run);
    admit();
  }

  void refuse(const run_setup& setup, error why) {
    auto outcome = std::make_shared<run_outcome>();
    outcome->run = setup.run;
    outcome->cause = std::move(why);
    ended(run_ended{std::move(outcome)});
  }

  void admit() {
    for (const auto& run : queue_.admit()) {
      auto& found = live_.at(run);
      if (found.waited && found.setup->again) {
        plan_again(run, found);
      } else {
        start(found);
      }
    }
  }

  /// The runs that it waited for may have changed what it reads.
  void plan_again(const std::string& run, live_run& found) {
    found.planning = true;
    plans_.call(
        [store = s_.store, setup = found.setup]() -> result<std::shared_ptr<const run_setup>> {
          SLUICE_ASSIGN(auto made, guarded("plan the run again", [&] { return setup->again(); }));
          const auto& record = made->record;
          store::change change{.run = setup->run, .term = record.term};
          change.plan = {record.fingerprint, record.plan, record.context, record.state_version};
          SLUICE_ASSIGN(const auto none, guarded("write the run's plan", [&] { return store->apply(change); }));
          (void)none;
          return made;
        },
        [this, run](result<std::shared_ptr<const run_setup>> made) {
          const auto planned = live_.find(run);
          if (planned == live_.end()) return;
          auto& one = planned->second;
          one.planning = false;
          if (one.cancelled) return start(one);
          if (!made.ok()) return start(one, std::move(made).problem());
          one.setup = std::move(made).value();
          start(one);
        });
  }

  void start(live_run& run, std::optional<error> problem = {}, std::shared_ptr<const adopted_run> adopted = {}) {
    run.waits = 0;
    run.supervisor = spawn_supervisor(system(), {run.setup, s_.services, s_.store, s_.starter, s_.notifier, this,
                                                 run.cancelled, std::move(problem), std::move(adopted)});
    monitor(run.supervisor);
  }

  // -- trying again: prepared at once, so that a run that waits is as one that was never begun

  void prepare_next(const std::string& run, live_run& found, const std::shared_ptr<const run_outcome>& how) {
    found.supervisor = nullptr;
    found.planning = true;
    const bool paused = how->state == store::run_state::paused;
    auto scaled = paused ? std::exchange(found.scaled, std::nullopt) : std::nullopt;
    plans_.call(
        [store = s_.store, setup = found.setup, how, scaled]() -> result<scaled_run> {
          return guarded("prepare the next try", [&]() -> result<scaled_run> {
            if (scaled) return next_scaled(*store, *setup, *how, *scaled);
            SLUICE_ASSIGN(auto next, next_try(*store, *setup, *how));
            return scaled_run{.next = std::move(next)};
          });
        },
        [this, run, goes_on = scaled.has_value()](result<scaled_run> made) {
          const auto prepared = live_.find(run);
          if (prepared == live_.end()) return;
          auto& one = prepared->second;
          one.planning = false;
          if (!made.ok()) return start(one, std::move(made).problem());
          if (s_.notifier && !made->told.empty()) send(s_.notifier, events_written{std::move(made->told)});
          one.setup = std::move(made->next);
          if (one.cancelled || goes_on) return start(one);
          wait_for_next(run, one);
        });
  }

  void wait_for_next(const std::string& run, live_run& found) {
    found.waits = ++waits_;
    if (found.setup->paused) return;
    if (found.setup->refreshes) return start(found);
    delayed_send(this, wait_of(*found.setup), continuation{[this, run, number = found.waits] {
                   const auto waiting = live_.find(run);
                   if (waiting != live_.end() && waiting->second.waits == number) start(waiting->second);
                 }});
  }

  /// A run without supervisor is cancelled by one that cancels at once: so it ends like any other.
  void end_at_once(const std::string& run, live_run& found) {
    found.cancelled = true;
    queue_.force(run);
    start(found);
  }

  // -- asking

  cancel_answer cancel(const std::string& run) {
    cancel_answer answer;
    answer.run = run;
    const auto found = live_.find(run);
    if (found == live_.end()) {
      answer.known = answer.ended = outcomes_.count(run) > 0;
      return answer;
    }
    answer.known = true;
    if (found->second.supervisor) {
      send(found->second.supervisor, cancel_run{run});
    } else if (found->second.stored && !found->second.planning) {
      end_at_once(run, found->second);
    } else {
      found->second.cancelled = true;
    }
    return answer;
  }

  caf::typed_response_promise<run_progress> progress(const get_progress& message) {
    auto promise = make_response_promise<run_progress>();
    const auto found = live_.find(message.run);
    if (found == live_.end()) {
      promise.deliver(run_progress{});
    } else if (!found->second.supervisor) {
      promise.deliver(queued(found->second));
    } else {
      request(found->second.supervisor, std::chrono::seconds(1), message)
          .then([promise](run_progress& made) mutable { promise.deliver(std::move(made)); },
                [promise](const caf::error&) mutable { promise.deliver(run_progress{}); });
    }
    return promise;
  }

  caf::typed_response_promise<steer_answer> steer(const steer_run& message) {
    auto promise = make_response_promise<steer_answer>();
    const auto found = live_.find(message.run);
    if (found == live_.end()) {
      promise.deliver(steer_answer{.run = message.run});
    } else if (!found->second.supervisor) {
      promise.deliver(steer_without(found->second, message));
    } else {
      request(found->second.supervisor, std::chrono::seconds(5), message)
          .then([promise](steer_answer& answer) mutable { promise.deliver(std::move(answer)); },
                [promise, run = message.run](const caf::error&) mutable { promise.deliver(steer_answer{.run = run}); });
    }
    return promise;
  }

  /// It is paused at a checkpoint, and goes on as it is to be.
  caf::typed_response_promise<steer_answer> scale(const scale_run& message) {
    auto promise = make_response_promise<steer_answer>();
    const auto found = live_.find(message.run);
    if (found == live_.end() || !found->second.supervisor) {
      promise.deliver(found == live_.end() ? steer_answer{.run = message.run}
                                           : steer_without(found->second, {message.run, "scale"}));
      return promise;
    }
    calls_.call([setup = found->second.setup, message] { return actors::scale(*setup, message); },
                [this, message, promise](result<scaling> made) mutable {
                  const auto live = live_.find(message.run);
                  if (!made.ok() || live == live_.end() || !live->second.supervisor) {
                    steer_answer answer{.run = message.run, .known = live != live_.end()};
                    if (!made.ok()) answer.refused = made.problem();
                    promise.deliver(std::move(answer));
                    return;
                  }
                  live->second.scaled = std::move(*made);
                  pause_to_scale(live->second, message.run, promise);
                });
    return promise;
  }

  void pause_to_scale(live_run& found, const std::string& run, caf::typed_response_promise<steer_answer> promise) {
    request(found.supervisor, std::chrono::seconds(5), steer_run{run, "pause"})
        .then(
            [this, run, promise](steer_answer& answer) mutable {
              const auto live = live_.find(run);
              if (!answer.refused.code.empty() && live != live_.end()) live->second.scaled.reset();
              promise.deliver(std::move(answer));
            },
            [promise, run](const caf::error&) mutable { promise.deliver(steer_answer{.run = run}); });
  }

  steer_answer steer_without(live_run& found, const steer_run& message) {
    steer_answer answer{.run = message.run, .known = true};
    if (found.waits > 0 && message.how == "resume") {
      start(found);
    } else if (found.waits > 0 && message.how == "drain" && found.setup->what->endless()) {
      // Its last checkpoint is complete, and nothing has been read behind it.
      end_at_once(message.run, found);
    } else if (found.waits > 0) {
      answer.refused = user_error("run_is_waiting", "run " + message.run + " waits for its next try",
                                  "sluice resume " + message.run + " continues it now, sluice cancel ends it");
    } else {
      answer.refused = user_error("run_is_queued", "run " + message.run + " has not started yet", "sluice cancel");
    }
    return answer;
  }

  static run_progress queued(const live_run& of) {
    const auto& setup = *of.setup;
    run_progress made;
    made.run = setup.run;
    made.pipeline = setup.record.pipeline;
    made.state = setup.attempt == 1 ? "queued" : setup.paused ? "paused" : "restarting";
    return made;
  }

  caf::typed_response_promise<live_runs> list() {
    std::vector<run_progress> known;
    std::map<std::string, caf::actor> asked;
    for (const auto& [id, run] : live_) {
      if (run.supervisor) {
        asked.emplace(id, run.supervisor);
      } else {
        known.push_back(queued(run));
      }
    }
    return list_progress(*this, std::move(known), asked);
  }

  void await(const await_run& message) {
    if (const auto found = outcomes_.find(message.run); found != outcomes_.end()) {
      send(message.to, run_ended{found->second});
    } else {
      waiters_[message.run].push_back(message.to);
    }
  }

  // -- ending

  void ended(const run_ended& message) {
    const auto run = message.outcome->run;
    const auto found = live_.find(run);
    if (found == live_.end()) return;
    const auto state = message.outcome->state;
    if (closing_) found->second.cancelled = true;
    if (state == store::run_state::restarting || state == store::run_state::paused)
      return prepare_next(run, found->second, message.outcome);
    queue_.ended(run);
    live_.erase(found);
    outcomes_[run] = message.outcome;
    order_.push_back(run);
    if (order_.size() > most_outcomes) {
      outcomes_.erase(order_.front());
      order_.pop_front();
    }
    for (const auto& waiter : waiters_[run]) send(waiter, message);
    waiters_.erase(run);
    if (!store::is_final(message.outcome->state)) lost_.leave_to_next(run);
    admit();
    if (closing_ && live_.empty()) closed();
  }

  void lost(const caf::down_msg& message) {
    const auto found = std::find_if(live_.begin(), live_.end(), [&](const auto& entry) {
      return entry.second.supervisor && entry.second.supervisor.address() == message.source;
    });
    if (found == live_.end()) return;  // it had said goodbye
    const auto cause =
        internal_error("supervisor_died", "the run's supervisor ended unexpectedly: " + to_string(message.reason));
    lost_.end(found->second.setup, cause);
  }

  caf::typed_response_promise<shut_down> close() {
    auto promise = make_response_promise<shut_down>();
    closing_ = true;
    lost_.stop();
    closers_.push_back(promise);
    std::vector<std::string> all;
    for (const auto& [id, run] : live_) all.push_back(id);
    for (const auto& id : all) {
      // A run without end stops at a checkpoint.
      const auto& run = live_.at(id);
      run.supervisor&& run.setup->what->endless() ? send(run.supervisor, steer_run{id, "drain"}) : (void)cancel(id);
    }
    if (live_.empty()) closed();
    return promise;
  }

  void closed() {
    for (auto& promise : closers_) promise.deliver(shut_down{});
    closers_.clear();
  }

  control_settings s_;
  blocking_calls calls_;
  blocking_calls plans_;  ///< take longer, so that no other run waits for them
  lost_ends lost_;
  std::map<std::string, live_run> live_;
  flow::run_queue queue_;
  std::map<std::string, std::shared_ptr<const run_outcome>> outcomes_;
  std::deque<std::string> order_;  ///< of outcomes_, oldest first
  std::map<std::string, std::vector<caf::actor>> waiters_;
  std::vector<caf::typed_response_promise<shut_down>> closers_;
  std::uint32_t waits_ = 0;
  bool closing_ = false;
};

}  // namespace

caf::actor spawn_control(caf::actor_system& system, control_settings settings) {
  return system.spawn<control>(std::move(settings));
}

}  // namespace sluice::actors
