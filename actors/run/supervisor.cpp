#include "actors/run/supervisor.hpp"

#include "actors/messages.hpp"
#include "actors/run/down_units.hpp"
#include "actors/run/next_try.hpp"
#include "actors/run/rejects_writer.hpp"
#include "actors/run/run_epochs.hpp"
#include "actors/run/run_events.hpp"
#include "actors/run/run_start.hpp"
#include "actors/run/run_watch.hpp"
#include "actors/run/steering.hpp"
#include "engine/plan/refresh.hpp"
#include "engine/runs/leftovers.hpp"
#include "engine/runs/proof.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <set>

namespace sluice::actors {

namespace {

using store::run_state;

/// How often instances are asked how far they are.
constexpr auto progress_interval = std::chrono::milliseconds(200);
/// How long the end of a failed or cancelled run waits for units that are stuck in a call.
constexpr auto patience = std::chrono::milliseconds(1500);

class supervisor : public caf::event_based_actor {
 public:
  supervisor(caf::actor_config& config, supervisor_settings settings)
      : caf::event_based_actor(config),
        s_(std::move(settings)),
        plan_(*s_.setup->what),
        journal_(this, s_.services.io, s_.store, s_.notifier, s_.setup->run, s_.setup->record.term,
                 [this](const error& why) { fail(why); }),
        account_(*s_.setup),
        adoption_(s_.adopted),
        start_(*s_.setup, instances_, journal_),
        memory_(plan_),
        epochs_(this, s_, {states_, account_, journal_, memory_, instances_},
                {.outcome = [this](run_state state) { return outcome(state); },
                 .sync_rejects = [this](std::uint64_t epoch) { send(rejects_, sync_rejects{epoch}); },
                 .failed = [this](error why) { fail(std::move(why)); },
                 .not_taken = [this](error why) { undecided(std::move(why)); },
                 .settled = [this] { settled(); },
                 .ended = [this](run_state state) { end(state); },
                 .undone = [this](error why) { leave_undone(std::move(why)); }}) {}

  caf::behavior make_behavior() override {
    set_down_handler([this](const caf::down_msg& gone) { lost(gone); });
    if (s_.problem) {
      fail(*s_.problem);
    } else {
      s_.cancelled ? cancel() : start();
    }
    return {
        [this](launched& message) { launched_all(std::move(message)); },
        [this](const launch_failed& message) { fail(message.why); },
        [this](const node_lost& message) { node_is_lost(message); },
        [this](const instance_started& message) { started(message.who); },
        [this](const instance_stands& message) {
          if (!adoption_) return;
          if (auto why = adoption_.stands(message)) fail(std::move(*why));
        },
        [this](const splits_discovered& message) {
          account_.reports().discovered(message.unit, message.bytes);
          epochs_.discovered(message);
        },
        [this](const instance_failed& message) {
          if (!epochs_.failed(message.who, message.why)) fail(message.why);
        },
        [this](const epoch_ready& message) { epochs_.ready(message); },
        [this](epoch_prepared& message) {
          tell_of_down();  // the last one ends the run
          epochs_.prepared(std::move(message));
        },
        [this](const rejects_synced& message) { epochs_.synced(message); },
        [this](rules_checked& message) { account_.rules().found(std::move(message)); },
        [this](instance_finished& message) { finished(std::move(message)); },
        [this](const instance_progress& message) { counted(message); },
        [this](const committed& message) {
          tell_of_down();
          epochs_.committed(message.who);
        },
        [this](const abandoned& message) { gone(message.who); },
        [this](const rejects_closed& message) { rejects_are_closed(message); },
        [this](const cancel_run&) { cancel(); },
        [this](const steer_run& message) -> caf::result<steer_answer> { return steer(message); },
        [this](const get_progress&) -> caf::result<run_progress> { return account_.progress(states_.now(), age()); },
        resume_calls(),
    };
  }

  void on_exit() override {
    s_.starter = nullptr;
    s_.notifier = nullptr;
    s_.owner = nullptr;
    rejects_ = nullptr;
    instances_.clear();
    journal_.close();
    epochs_.close();
    // Ticks on their way keep this object; what the run's components hold goes now.
    s_.setup = nullptr;
  }

 private:
  // -- starting

  void start() {
    (void)states_.advance(run_state::starting);
    if (!adoption_) journal_.write(run_state::starting, {}, {}, {});
    rejects_ = spawn_rejects_writer(system(), s_.setup->rejects_path, s_.setup->run, this, s_.services,
                                    adoption_          ? adoption_.run().rejects
                                    : s_.setup->resume ? s_.setup->resume->snapshot.rejects_rows
                                                       : 0,
                                    adoption_ && s_.setup->resume ? s_.setup->resume->epoch : 0);
    monitor(rejects_);
    adoption_ ? send(s_.starter, take_parts{s_.setup, this, rejects_})
              : send(s_.starter, actors::launch{s_.setup, this, rejects_});
    tick();
  }

  void later(std::chrono::microseconds time, std::function<void()> what) {
    delayed_send(this, time, continuation{std::move(what)});
  }

  void launched_all(launched message) {
    for (const auto& one : message.instances) monitor(one.handle);
    start_.launched(std::move(message.instances));
    // Before they say once more what they have prepared.
    if (adoption_ && !states_.ending()) epochs_.start_at_once();
    for (auto& [who, one] : instances_)
      send(one.handle, states_.ending() ? caf::make_message(abandon{}) : caf::make_message(begin_work{}));
  }

  void started(const flow::instance_id& who) {
    if (!start_.started(who, states_.ending().has_value())) return;
    if (states_.now() != run_state::starting || !states_.advance(run_state::running)) return;
    proof::enter(proof::phase::reading);
    journal_.write(run_state::running, {}, {}, adoption_ ? start_.begin_adopted() : start_.begin());
    drain_when_read();
    if (drain_wanted_) drain();
    if (!adoption_) epochs_.start();
    everything_finished();
  }

  // -- running

  void tick() {
    if (states_.ended()) return;
    // Looked at with every tick: a message that is delayed for hours would keep the run, and its files, in memory.
    const auto waits = instances_.empty() ? std::optional(age() - spent()) : std::nullopt;
    if (auto over = over_limit(plan_, age(), waits)) fail(std::move(*over));
    if (!states_.ending())
      for (auto& [who, one] : instances_)
        // A sink that has finished may still wait for its system.
        if ((!one.finished || plan_.units[who.unit].definition.role == unit_role::load) && !one.gone &&
            who.instance != flow::instance_id::enumerator)
          request(one.handle, patience, report_progress{})
              .then([this](const instance_progress& made) { counted(made); }, [](const caf::error&) {});
    account_.reports().tick(age());
    read_again_when_due();
    tell_of_down();
    if (watch_.is_due(age()) && !states_.ending()) watch();
    later(progress_interval, [this] { tick(); });
  }

  /// What is shown from here on has been told.
  void counted(const instance_progress& made) {
    account_.reports().counted(made);
    if (!states_.ended()) tell_of_down();
  }

  void tell_of_down() {
    for (auto& told : down_.look(*s_.setup, account_.reports())) start_.tell(std::move(told));
  }

  void watch() {
    const run_watch::now at{age(), account_.rejected(), account_.read(), epochs_.under_way()};
    for (auto& told : watch_.look(at, account_.progress(states_.now(), at.age).units)) {
      told.run = s_.setup->run;
      start_.tell(std::move(told));
    }
  }

  /// Inputs with `refresh` are read again by a run that goes on behind a checkpoint. One that has not been read to its
  /// end yet is new enough.
  void read_again_when_due() {
    if (states_.now() != run_state::running || states_.ending() || !refresh_.empty()) return;
    for (std::uint32_t unit = 0; unit < plan_.units.size(); ++unit) {
      const auto& every = plan_.units[unit].refresh;
      if (!every || !plan_.checkpoint_interval()) continue;
      const auto last = s_.setup->read_at.find(unit);
      const auto read = last == s_.setup->read_at.end() ? begun_steady_ : last->second;
      if (std::chrono::steady_clock::now() - read < std::chrono::microseconds(*every)) continue;
      const auto group = refresh_group_of(plan_, unit);
      if (instances_.all([&](const auto& one) {
            return !group.afresh.contains(one.who.unit) || one.finished ||
                   one.who.instance == flow::instance_id::enumerator;
          }))
        refresh_.insert(unit);
    }
    if (!refresh_.empty()) epochs_.ask({.pause = true});
  }

  void finished(instance_finished message) {
    const auto who = message.report.who;
    auto* const one = instances_.find(who);
    if (one == nullptr || one->finished || states_.ending()) return;
    tell_of_down();
    adoption_.count_once(message);
    one->finished = true;
    if (!message.reached.empty()) memory_.reached(who.unit, message.reached);
    epochs_.finished(message);
    account_.finished(std::move(message.report), message.target, message.held);
    if (instances_.all_of_unit(who.unit, [](const auto& each) { return each.finished; })) {
      const auto& unit = plan_.units[who.unit];
      for (auto& news : account_.rules().news(*s_.setup, who.unit)) start_.tell(std::move(news));
      if (!adoption_.told_end_of(unit.definition.name))
        start_.tell(event_of(*s_.setup, "unit.finished", unit.definition.name, account_.unit_outcome(who.unit)));
    }
    drain_when_read();
    everything_finished();
  }

  void drain_when_read() {
    if (states_.now() == run_state::running && instances_.all([&](const auto& each) {
          return each.finished || plan_.units[each.who.unit].definition.role != unit_role::extract;
        }))
      drain();
  }

  void drain() {
    if (states_.advance(run_state::draining)) journal_.write(run_state::draining, {}, {}, {});
  }

  // -- a good end: all rows accounted for, rejects durable, the decision to commit, the commits, the end

  void everything_finished() {
    // Instances of which nothing is wanted any more may finish before others have started.
    if (states_.now() == run_state::starting) return;
    if (epochs_.busy() || !instances_.all([](const auto& each) { return each.finished; })) return;
    epochs_.stop();
    if (const auto balanced = account_.balance(); !balanced.ok()) return fail(balanced.problem());
    if (epochs_.judge_rejects()) send(rejects_, close_rejects{});
  }

  void rejects_are_closed(const rejects_closed& message) {
    account_.rejects_written(message.path);
    if (states_.ending()) return end(*states_.ending());
    std::vector<store::event> events;
    if (message.rows > 0)
      events.push_back(event_of(*s_.setup, "rejects.recorded", "", {{"rows", message.rows}, {"path", message.path}}));
    for (auto& late : memory_.late_rows(s_.setup->run)) events.push_back(std::move(late));
    drain();
    epochs_.decide(std::move(events));
  }

  void undecided(error problem) {
    states_.commit_undone();
    fail(held_back_ ? std::move(*held_back_) : std::move(problem));
  }

  /// A checkpoint is complete, and visible where it is to be.
  void settled() {
    if (held_back_) return fail(*std::exchange(held_back_, std::nullopt));
    if (cancel_wanted_) return cancel();
    tell_of_rules();
    if (epochs_.pausing() && states_.pause()) return give_up();
    pause_wanted_ = false;
    epochs_.done();
    everything_finished();
  }

  steer_answer steer(const steer_run& message) {
    steer_answer answer{.run = message.run, .known = true};
    const auto what = steering_of(plan_, message, states_.ended() || states_.ending());
    if (!what.ok()) return answer.refused = what.problem(), answer;
    if (*what == steering::pause) pause_wanted_ = true;
    const bool drains = *what == steering::drain;
    if (drains) {
      drain_wanted_ = true;
      drain();
    }
    answer.epoch = epochs_.ask({.last = drains,
                                .savepoint = *what == steering::savepoint,
                                .pause = *what == steering::pause,
                                .flush = drains && (plan_.flush || message.how == "flush")});
    return answer;
  }

  /// The decision stands, and this process can do no more: the next one goes on.
  void leave_undone(error why) {
    auto told = outcome(run_state::committing);
    told.cause = std::move(why);
    farewell(std::move(told));
  }

  // -- a bad end

  void fail(error why) {
    if (states_.committing()) {
      if (!held_back_) held_back_ = std::move(why);
      return;
    }
    auto events = what_failed(*s_.setup, why, epochs_.under_way());
    // Whatever fails behind the first cause is told nobody: the last event may be written already.
    if (!states_.fail(std::move(why))) return;
    for (auto& told : events) start_.tell(std::move(told));
    give_up();
  }

  void cancel() {
    // Between two parts of a run that goes on the second request is in a hurry.
    if (epochs_.taken() && (epochs_.last() || std::exchange(cancel_wanted_, true))) return epochs_.hurry();
    if (states_.committing()) {
      cancel_wanted_ = true;
      return;
    }
    if (states_.cancel()) return give_up();
    cancel_wanted_ = true;  // and not tried again
  }

  void give_up() {
    for (auto& [who, one] : instances_) send(one.handle, abandon{});
    if (instances_.all_gone()) return close_rejects_and_end();
    later(patience, [this] { close_rejects_and_end(); });
  }

  void gone(const flow::instance_id& who) {
    auto* const found = instances_.find(who);
    if (found == nullptr) return;
    found->gone = true;
    if (states_.ending() && instances_.all_gone()) close_rejects_and_end();
  }

  void close_rejects_and_end() {
    if (closing_) return;
    closing_ = true;
    if (!rejects_) return end(*states_.ending());
    send(rejects_, close_rejects{});
    later(patience, [this] { end(*states_.ending()); });
  }

  void node_is_lost(const node_lost& message) {
    // Nobody there answers any more; where only a link has broken they still do.
    const bool dead = message.why.code == "node_lost";
    for (auto& [who, one] : instances_)
      if (dead && one.node == message.node) lost_any_ = one.gone = true;
    fail(message.why);
    for (auto& [who, one] : instances_)
      if (one.node == message.node) epochs_.failed(who, message.why);
  }

  void lost(const caf::down_msg& message) {
    if (rejects_ && rejects_.address() == message.source) return rejects_lost(to_string(message.reason));
    const auto who = instances_.at(message.source);
    if (!who) return;
    auto& one = instances_[*who];
    if (one.gone) return;
    one.gone = true;
    lost_any_ = true;
    if (states_.ending()) return gone(*who);
    auto why = unit_died(plan_, one, to_string(message.reason));
    (void)epochs_.failed(*who, why);
    if (!one.node.empty() && one.node != s_.services.node) {
      // The whole node may be gone: the unit starter says so in a moment, with everything that ran there.
      later(patience, [this, why] {
        if (!states_.ending()) fail(why);
      });
      return;
    }
    fail(std::move(why));
  }

  /// Its file may lack rows, and nobody would answer when it is to be closed.
  void rejects_lost(const std::string& how) {
    rejects_ = nullptr;
    auto why = internal_error("unit_died", "the writer of the rejects ended unexpectedly: " + how);
    why.where = "rejects";
    fail(std::move(why));
    if (closing_ && states_.ending()) end(*states_.ending());
  }

  // -- the end

  void tell_of_rules() {
    for (auto& news : account_.rules().news(*s_.setup)) start_.tell(std::move(news));
  }

  /// How long to wait before the next try of a run that has failed; nothing where it ends.
  [[nodiscard]] std::optional<std::chrono::microseconds> next_wait() const {
    const bool may = !s_.problem && !cancel_wanted_ && !epochs_.taken() && states_.cause();
    return may ? wait_before_next(*s_.setup, *states_.cause(), epochs_.completed()) : std::nullopt;
  }

  void end(run_state state) {
    const auto wait = state == run_state::failed ? next_wait() : std::nullopt;
    if (wait) {
      states_.try_again();
      state = run_state::restarting;
    }
    if (!states_.advance(state)) return;
    const auto last = outcome(state);
    tell_of_rules();
    auto words = last_words_of(*s_.setup, last, wait, epochs_.completed(), start_.left());
    account_.rules().add_to(words.summary);
    if (store::is_final(state)) account_.rules().add_to(words.events.back().data);
    // Where a system is not reached its sinks can't take back what they have begun.
    if (store::is_final(state) && !epochs_.taken() && last.cause && last.cause->to_blame == blame::external)
      words.summary[leftovers_key] = true;
    if (epochs_.taken())
      words.commits = state == run_state::failed ? store::commit_state::refused : store::commit_state::committed;
    // What is gone can't clean up behind itself, and what does not answer may be gone.
    const bool leaves = lost_any_ || !instances_.all_gone() || epochs_.holds();
    if (store::is_final(state) && !epochs_.taken() && leaves) epochs_.clean_up();
    epochs_.end(std::move(words), [this, last](const status& written) {
      if (written.ok()) return farewell(last);
      epochs_.taken() ? leave_untold(written.problem()) : leave_unwritten(last, written.problem());
    });
  }

  void leave_untold(error why) {
    if (why.code != "stale_term")
      why.message = "the outputs are published, but this could not be recorded in the state database: " + why.message;
    leave_undone(std::move(why));
  }

  /// The next process finds a run whose process is gone, and ends it.
  void leave_unwritten(run_outcome told, error why) {
    told.state = run_state::failed;
    told.cause = std::move(why);
    farewell(std::move(told));
  }

  void farewell(run_outcome told) {
    if (told.state == run_state::succeeded || told.state == run_state::partial) {
      epochs_.acknowledge();
      epochs_.forget_checkpoints();
    }
    send(s_.owner, run_ended{std::make_shared<const run_outcome>(std::move(told))});
    for (auto& [who, one] : instances_) send(one.handle, actors::leave{});
    if (rejects_) send(rejects_, actors::leave{});
    quit();
  }

  run_outcome outcome(run_state state) {
    auto made = outcome_of_run(*s_.setup, account_.outcome(state, states_.cause(), age()));
    if (state == run_state::paused && !pause_wanted_) made.refresh = refresh_;
    return made;
  }
  [[nodiscard]] std::int64_t spent() const { return s_.setup->tries ? s_.setup->tries->spent : 0; }
  std::int64_t age() {
    return spent() + std::chrono::duration_cast<std::chrono::microseconds>(clock().now() - begun_).count();
  }

  supervisor_settings s_;
  const plan& plan_;
  flow::run_states states_;
  journal journal_;
  run_watch watch_{plan_};
  run_account account_;
  caf::actor rejects_;
  instance_table instances_;
  adoption adoption_;
  run_start start_;
  source_memory memory_;
  down_units down_;
  run_epochs epochs_;
  clock_type::time_point begun_ = clock().now();
  std::chrono::steady_clock::time_point begun_steady_ = std::chrono::steady_clock::now();
  std::set<std::uint32_t> refresh_;  ///< units for whose input a pause was asked, to read it again
  bool pause_wanted_ = false;        ///< by the user
  std::optional<error> held_back_;   ///< a failure while the decision was being written
  bool drain_wanted_ = false;
  bool cancel_wanted_ = false;  ///< once the checkpoint is committed
  bool lost_any_ = false;       ///< an instance ended without a word
  bool closing_ = false;
};

}  // namespace

caf::actor spawn_supervisor(caf::actor_system& system, supervisor_settings settings) {
  return system.spawn<supervisor>(std::move(settings));
}

}  // namespace sluice::actors
