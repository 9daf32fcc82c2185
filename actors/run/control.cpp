#include "actors/run/control.hpp"

#include "actors/messages.hpp"
#include "actors/run/lost_ends.hpp"
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
    caf::actor supervisor = nullptr;  ///< null while queued
    bool stored = false;              ///< the Store has it
    bool cancelled = false;           ///< before the Store had it, or while it was planned again
    bool waited = false;              ///< for another run: its plan may be out of date
    bool planning = false;            ///< again
  };

  // -- submitting: the run is in the Store before the submitter hears of it

  caf::response_promise submit(const std::shared_ptr<const run_setup>& setup) {
    auto promise = make_response_promise();
    if (closing_ || live_.count(setup->run) > 0) {
      promise.deliver(caf::make_error(caf::sec::request_receiver_down));
      return promise;
    }
    const auto others = queue_.in_the_way_of(setup->claim);
    if (!others.empty() && setup->overlap == overlap_rule::skip) {
      promise.deliver(submission_refused{{already_running(setup->claim, "run " + others.front())}});
      return promise;
    }
    if (setup->overlap == overlap_rule::cancel)
      for (const auto& other : others) cancel(other);
    live_[setup->run] = {.setup = setup, .waited = !others.empty()};
    queue_.add(setup->run, setup->claim);
    auto record = setup->record;
    // Checked when it is planned again.
    if (!others.empty()) record.state_version.reset();
    store::event queued{.run = setup->run, .type = "run.queued", .data = {{"pipeline", setup->record.pipeline}}};
    create(
        setup,
        [store = s_.store, setup, record = std::move(record), queued] {
          return create_in(*store, *setup, record, queued);
        },
        promise);
    return promise;
  }

  /// What has become of a run that the Store was given.
  struct given {
    std::optional<error> refused = {};  ///< it has no such run
    std::optional<error> unclear = {};  ///< it can't say whether it has
    std::vector<store::event> first = {};
  };

  static given create_in(store::store& in, const run_setup& setup, const store::run_record& record,
                         const store::event& queued) {
    const auto made = guarded("write the run's state", [&] { return in.create_run(record, {queued}); });
    if (!made.ok()) return look_for(in, setup, made.problem());
    if (!*made) return {.refused = internal_error("run_exists", "a run with the id " + setup.run + " exists")};
    // Those who can't be told now hear of it when they look.
    auto first = guarded("read events", [&] { return in.events(0, setup.run, 1); });
    return {.first = first.ok() ? std::move(first).value() : std::vector<store::event>()};
  }

  /// The write has failed; whether it took effect all the same is read back.
  static given look_for(store::store& in, const run_setup& setup, const error& problem) {
    auto first = guarded("read events", [&] { return in.events(0, setup.run, 1); });
    if (!first.ok()) return {.unclear = problem};
    if (first->empty()) return {.refused = problem};
    return {.first = std::move(first).value()};
  }

  void create(const std::shared_ptr<const run_setup>& setup, std::function<given()> work,
              const caf::response_promise& promise) {
    calls_.call(std::move(work), [this, setup, answer = promise](given what) mutable {
      if (what.unclear) {
        auto look = [store = s_.store, setup, problem = *what.unclear] { return look_for(*store, *setup, problem); };
        delayed_send(this, look_again, continuation{[this, setup, look, answer] { create(setup, look, answer); }});
        return;
      }
      if (what.refused) {
        answer.deliver(submission_refused{{*what.refused}});
        return refuse(*setup, std::move(*what.refused));
      }
      answer.deliver(submitted{setup->run});
      if (s_.notifier && !what.first.empty()) send(s_.notifier, events_written{std::move(what.first)});
      stored(setup->run);
    });
  }

  void stored(const std::string& run) {
    auto& found = live_.at(run);
    found.stored = true;
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

  void start(live_run& run, std::optional<error> problem = {}) {
    run.supervisor = spawn_supervisor(
        system(), {run.setup, s_.services, s_.store, s_.starter, s_.notifier, this, run.cancelled, std::move(problem)});
    monitor(run.supervisor);
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
      promise.deliver(queued(*found->second.setup));
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
      promise.deliver(steer_answer{
          .run = message.run,
          .known = true,
          .refused = user_error("run_is_queued", "run " + message.run + " has not started yet", "sluice cancel")});
    } else {
      request(found->second.supervisor, std::chrono::seconds(5), message)
          .then([promise](steer_answer& answer) mutable { promise.deliver(std::move(answer)); },
                [promise, run = message.run](const caf::error&) mutable { promise.deliver(steer_answer{.run = run}); });
    }
    return promise;
  }

  static run_progress queued(const run_setup& setup) {
    run_progress made;
    made.run = setup.run;
    made.pipeline = setup.record.pipeline;
    made.state = "queued";
    return made;
  }

  caf::typed_response_promise<live_runs> list() {
    struct gathering {
      live_runs answer;
      std::size_t missing = 0;
    };
    auto promise = make_response_promise<live_runs>();
    auto all = std::make_shared<gathering>();
    for (const auto& [id, run] : live_) {
      if (run.supervisor) {
        ++all->missing;
      } else {
        all->answer.runs.push_back(queued(*run.setup));
      }
    }
    auto one_less = [promise, all]() mutable {
      if (--all->missing == 0) promise.deliver(all->answer);
    };
    if (all->missing == 0) promise.deliver(all->answer);
    for (const auto& [id, run] : live_) {
      if (!run.supervisor) continue;
      request(run.supervisor, std::chrono::seconds(1), get_progress{id})
          .then(
              [all, one_less](run_progress& made) mutable {
                all->answer.runs.push_back(std::move(made));
                one_less();
              },
              [one_less](const caf::error&) mutable { one_less(); });
    }
    return promise;
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
  bool closing_ = false;
};

}  // namespace

caf::actor spawn_control(caf::actor_system& system, control_settings settings) {
  return system.spawn<control>(std::move(settings));
}

}  // namespace sluice::actors
