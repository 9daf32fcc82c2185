#include "actors/run/supervisor.hpp"

#include "actors/messages.hpp"
#include "actors/run/checkpoint_files.hpp"
#include "actors/run/checkpoints.hpp"
#include "actors/run/committer.hpp"
#include "actors/run/decision.hpp"
#include "actors/run/instance_table.hpp"
#include "actors/run/journal.hpp"
#include "actors/run/rejects_writer.hpp"
#include "actors/run/run_account.hpp"
#include "actors/run/source_memory.hpp"
#include "engine/error/not_yet.hpp"
#include "engine/flow/run_states.hpp"
#include "engine/runs/leftovers.hpp"
#include "engine/runs/proof.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <filesystem>
#include <map>

namespace sluice::actors {

namespace {

using store::run_state;

/// How often instances are asked how far they are.
constexpr auto progress_interval = std::chrono::milliseconds(200);
/// How long starting all units may take.
constexpr auto launch_limit = std::chrono::microseconds(60'000'000);
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
        memory_(plan_),
        decision_(this, s_.services, s_.store, journal_, *s_.setup,
                  {.taken = [this] { commit(); },
                   .not_taken = [this](error why) { undecided(std::move(why)); },
                   .undone = [this](error why) { leave_undone(std::move(why)); }}),
        committer_(this, s_.services.io, s_.setup,
                   {.tell = [this](const auto& who, const commit_load& what) { tell_to_commit(who, what); },
                    .done = [this] { epoch_.last ? end(good_end_) : decision_.settle(true, [this] { epoch_done(); }); },
                    .refused = [this](error why) { refused(std::move(why)); },
                    .unfinished = [this](error why) { leave_undone(std::move(why)); }}),
        checkpoints_(this, *s_.setup,
                     {.tell = [this](const auto& who, const caf::message& what) { tell_instance(who, what); },
                      .collected = [this](auto what, auto why) { collected(std::move(what), why); }}),
        io_(this, s_.services.io) {
    if (s_.setup->resume)
      for (const auto& one : s_.setup->resume->held) held_.emplace_back(instance_of(one), one);
  }

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
        [this](const splits_discovered& message) {
          account_.reports().discovered(message.unit, message.bytes);
          if (!message.inputs.empty()) inputs_[plan_.units[message.unit].definition.name] = message.inputs;
        },
        [this](const instance_failed& message) {
          if (!decision_.taken() || !committer_.failed(message.who, message.why)) fail(message.why);
        },
        [this](const epoch_ready& message) { checkpoints_.ready(message); },
        [this](epoch_prepared& message) { checkpoints_.prepared(std::move(message)); },
        [this](const rejects_synced& message) { complete_checkpoint(message); },
        [this](instance_finished& message) { finished(std::move(message)); },
        [this](const instance_progress& message) { account_.reports().counted(message); },
        [this](const committed& message) { committer_.committed(message.who); },
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
    committer_.close();
    decision_.close();
    checkpoints_.stop();
    // Ticks on their way keep this object; what the run's components hold goes now.
    s_.setup = nullptr;
  }

 private:
  // -- starting

  store::event event_of(std::string type, const std::string& unit = {}, options data = options::object()) {
    return {.run = s_.setup->run, .type = std::move(type), .unit = unit, .data = std::move(data)};
  }

  void start() {
    (void)states_.advance(run_state::starting);
    journal_.write(run_state::starting, {}, {}, {});
    rejects_ = spawn_rejects_writer(system(), s_.setup->rejects_path, s_.setup->run, this, s_.services,
                                    s_.setup->resume ? s_.setup->resume->snapshot.rejects_rows : 0);
    monitor(rejects_);
    send(s_.starter, actors::launch{s_.setup, this, rejects_});
    tick();
  }

  /// Looked at with every tick: a message that is delayed for hours would keep the run, and its files, in memory for as
  /// long.
  void check_limits() {
    const auto limit = plan_.definition.timeout_microseconds;
    if (limit && age() >= *limit)
      fail(user_error("run_timed_out",
                      "the run did not end within run.timeout (" + std::to_string(*limit / 1000) + " ms)",
                      "raise run.timeout, or find out with `sluice status` what is slow"));
    if (instances_.empty() && age() >= launch_limit.count())
      fail(external_error("launch_timed_out", "the units were not started within a minute", "see `sluice nodes`"));
  }

  /// A unit may be done before the last one is ready: what it tells comes behind run.started all the same.
  void tell(store::event what) {
    if (states_.now() == run_state::starting) {
      events_.push_back(std::move(what));
    } else {
      journal_.write({}, {}, {}, {std::move(what)});
    }
  }

  void later(std::chrono::microseconds time, std::function<void()> what) {
    delayed_send(this, time, continuation{std::move(what)});
  }

  void launched_all(launched message) {
    for (auto& one : message.instances) {
      monitor(one.handle);
      if (plan_.checkpoint_interval() && one.node != s_.services.node && !states_.ending())
        fail(not_supported_yet("a run with checkpoints on several nodes", "recovery",
                               "place: its units on one node, or run it with sluice run"));
      instances_.add({.who = one.who, .handle = std::move(one.handle), .node = std::move(one.node)});
    }
    for (auto& [who, one] : instances_)
      send(one.handle, states_.ending() ? caf::make_message(abandon{}) : caf::make_message(begin_work{}));
  }

  void started(const flow::instance_id& who) {
    auto* const known = instances_.find(who);
    if (known == nullptr || known->started) return;
    auto& one = *known;
    one.started = true;
    const auto unit_started = instances_.all_of_unit(who.unit, [](const auto& each) { return each.started; });
    if (unit_started && who.instance != flow::instance_id::enumerator && !states_.ending()) {
      const auto& unit = plan_.units[who.unit];
      events_.push_back(
          event_of("unit.started", unit.definition.name, {{"parallelism", unit.parallelism}, {"node", one.node}}));
    }
    if (states_.now() != run_state::starting || !instances_.all([](const auto& each) { return each.started; })) return;
    if (!states_.advance(run_state::running)) return;
    proof::enter(proof::phase::reading);
    auto events = std::exchange(events_, {});
    std::vector<store::event> first = {event_of("run.started", "", {{"units", plan_.units.size()}})};
    if (s_.setup->resume) {
      first.front().data["continues"] = plan_.units.front().continues;
      first.front().data["epoch"] = s_.setup->resume->epoch;
    }
    for (const auto& unit : plan_.units)
      for (const auto& told : unit.reading.told)
        first.push_back(event_of(told["type"].get<std::string>(), unit.definition.name, told["data"]));
    events.insert(events.begin(), first.begin(), first.end());
    journal_.write(run_state::running, {}, {}, std::move(events));
    drain_when_read();
    if (drain_wanted_) drain();
    checkpoints_.start();
    everything_finished();
  }

  // -- running

  void tick() {
    if (states_.ended()) return;
    check_limits();
    if (!states_.ending())
      for (auto& [who, one] : instances_)
        if (!one.finished && !one.gone && who.instance != flow::instance_id::enumerator)
          request(one.handle, patience, report_progress{})
              .then([this](const instance_progress& made) { account_.reports().counted(made); },
                    [](const caf::error&) {});
    account_.reports().tick(age());
    later(progress_interval, [this] { tick(); });
  }

  void finished(instance_finished message) {
    const auto who = message.report.who;
    auto* const one = instances_.find(who);
    if (one == nullptr || one->finished || states_.ending()) return;
    one->finished = true;
    if (!message.reached.empty()) memory_.reached(who.unit, message.reached);
    checkpoints_.finished(message);
    account_.finished(std::move(message.report), message.target);
    if (instances_.all_of_unit(who.unit, [](const auto& each) { return each.finished; })) {
      const auto& unit = plan_.units[who.unit];
      tell(event_of("unit.finished", unit.definition.name, account_.unit_outcome(who.unit)));
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
    if (checkpoints_.busy() || !instances_.all([](const auto& each) { return each.finished; })) return;
    checkpoints_.stop();
    if (const auto balanced = account_.balance(); !balanced.ok()) return fail(balanced.problem());
    auto verdict = flow::judge_rejects(plan_.definition.rejects, account_.rejected(), account_.read());
    if (verdict.cause) return fail(std::move(*verdict.cause));
    good_end_ = verdict.state;
    send(rejects_, close_rejects{});
  }

  void rejects_are_closed(const rejects_closed& message) {
    account_.rejects_written(message.path);
    if (states_.ending()) return end(*states_.ending());
    std::vector<store::event> events;
    if (message.rows > 0)
      events.push_back(event_of("rejects.recorded", "", {{"rows", message.rows}, {"path", message.path}}));
    for (auto& late : memory_.late_rows(s_.setup->run)) events.push_back(std::move(late));
    drain();
    decide(std::move(events));
  }

  /// From here on nothing may fail the run before the Store has said whether the decision is durable.
  void decide(std::vector<store::event> events) {
    auto last = checkpoints_.take_last();
    upto_ = last.snapshot.sources;
    epoch_ = {.number = last.epoch, .due = held_, .held = {}, .last = true};
    epoch_.due.insert(epoch_.due.end(), last.prepared.begin(), last.prepared.end());
    take({.epoch = static_cast<std::int64_t>(last.epoch),
          .end = store::to_string(good_end_),
          .sinks = sinks_in(epoch_.due),
          .sources = memory_.taken()},
         std::move(events));
  }

  void take(store::manifest what, std::vector<store::event> events) {
    states_.commit_begun();
    const auto state = epoch_.last ? std::optional(run_state::committing) : std::nullopt;
    decision_.take(std::move(what), state, to_options(outcome(epoch_.last ? good_end_ : states_.now())),
                   std::move(events));
  }

  void undecided(error problem) {
    states_.commit_undone();
    fail(held_back_ ? std::move(*held_back_) : std::move(problem));
  }

  void commit() {
    if (epoch_.last) (void)states_.advance(run_state::committing);
    if (!epoch_.last) held_ = std::exchange(epoch_.held, {});
    if (epoch_.due.empty() && !epoch_.last) return decision_.settle(false, [this] { epoch_done(); });
    committer_.begin(epoch_.due, epoch_.last);
  }

  void tell_to_commit(const flow::instance_id& who, commit_load what) {
    auto& one = instances_[who];
    if (one.gone) {
      committer_.failed(who, unit_died(one, "it ended before it could publish"));
      return;
    }
    send(one.handle, std::move(what));
  }

  // -- checkpoints: all that instances hold and have prepared, rejects durable, the decision, the commits, the next one

  void tell_instance(const flow::instance_id& who, caf::message what) {
    if (auto* const one = instances_.find(who); one != nullptr && !one->gone) send(one->handle, std::move(what));
  }

  void collected(flow::epoch_round::collected what, checkpoints::wish why) {
    if (states_.ending()) return;
    gathered_ = std::move(what);
    why_ = why;
    if (proof::planted(proof::bug::acknowledged_too_early)) {
      upto_ = gathered_.snapshot.sources;
      acknowledge();
    }
    send(rejects_, sync_rejects{gathered_.epoch});
  }

  void complete_checkpoint(const rejects_synced& rejects) {
    if (states_.ending() || rejects.epoch != gathered_.epoch) return;
    auto& snapshot = gathered_.snapshot;
    snapshot.rejects_rows = rejects.rows;
    snapshot.rejects_bytes = rejects.bytes;
    snapshot.inputs = inputs_;
    if (rejects.rows > 0) account_.rejects_written(s_.setup->rejects_path);
    if (const auto balanced = account_.at_checkpoint(snapshot); !balanced.ok()) return fail(balanced.problem());
    auto verdict = flow::judge_rejects(plan_.definition.rejects, account_.rejected(), account_.read());
    if (verdict.cause) return fail(std::move(*verdict.cause));
    good_end_ = verdict.state;
    epoch_ = {.number = gathered_.epoch, .due = {}, .held = held_, .last = why_.last};
    for (const auto& [who, one] : gathered_.prepared)
      (plan_.commits_each(who.unit) ? epoch_.due : epoch_.held).emplace_back(who, one);
    std::vector<store::event> events;
    events.push_back(event_of("checkpoint.completed", "", checkpoint_summary(gathered_, why_.savepoint)));
    if (why_.last) events.push_back(event_of("run.drained", "", {{"epoch", gathered_.epoch}}));
    upto_ = snapshot.sources;
    take({.epoch = static_cast<std::int64_t>(gathered_.epoch),
          .end = why_.last ? store::to_string(good_end_) : "",
          .sinks = sinks_in(epoch_.due),
          .held = sinks_in(epoch_.held),
          .sources = {},
          .snapshot = flow::to_json(snapshot),
          .savepoint = why_.savepoint},
         std::move(events));
  }

  /// It is complete, and visible where it is to be.
  void epoch_done() {
    proof::enter(proof::phase::reading);
    states_.commit_undone();
    if (held_.empty()) acknowledge();
    forget_old_checkpoints();
    if (held_back_) return fail(*std::exchange(held_back_, std::nullopt));
    if (cancel_wanted_) return cancel();
    checkpoints_.done();
    everything_finished();
  }

  void acknowledge() {
    for (const auto& [who, one] : instances_) {
      if (who.instance != flow::instance_id::enumerator || one.gone) continue;
      epoch_committed what{.epoch = epoch_.number};
      for (const auto& [id, split] : upto_[plan_.units[who.unit].definition.name]) what.upto.push_back(split);
      send(one.handle, std::move(what));
    }
  }

  /// Files of checkpoints that the Store does not keep.
  void forget_old_checkpoints() {
    const auto oldest = static_cast<std::int64_t>(epoch_.number) - store::kept_checkpoints;
    if (oldest < 1 || s_.setup->checkpoint_folder.empty()) return;
    io_.call([store = s_.store, run = s_.setup->run, folder = s_.setup->checkpoint_folder,
              oldest] { return remove_old_states(*store, run, folder, oldest); },
             [](int) {});
  }

  steer_answer steer(const steer_run& message) {
    steer_answer answer{.run = message.run, .known = true};
    const bool over = states_.ended() || states_.ending();
    if (over) {
      answer.refused = user_error("run_is_final", "run " + message.run + " is ending");
    } else if (message.how == "savepoint" && !plan_.checkpoint_interval()) {
      answer.refused =
          user_error("no_checkpoints", "run " + message.run + " takes no checkpoints", "run: { checkpoint: 10s }");
    } else if (message.how == "savepoint") {
      answer.epoch = checkpoints_.ask({.last = false, .savepoint = true});
    } else if (message.how != "drain") {
      answer.refused = not_supported_yet("sluice " + message.how, "run-control");
    } else if (!plan_.endless()) {
      answer.refused = user_error("run_has_an_end", "run " + message.run + " ends by itself: its sources have an end",
                                  "sluice cancel stops it");
    } else {
      drain_wanted_ = true;
      drain();
      checkpoints_.ask({.last = true, .savepoint = false});
    }
    return answer;
  }

  flow::instance_id instance_of(const store::prepared_sink& what) const {
    return {static_cast<std::uint32_t>(plan_.find(what.unit).value_or(0)), what.instance};
  }
  static std::vector<store::prepared_sink> sinks_in(const std::vector<committer::prepared>& list) {
    std::vector<store::prepared_sink> sinks;
    sinks.reserve(list.size());
    for (const auto& [who, one] : list) sinks.push_back(one);
    return sinks;
  }

  void refused(error why) {
    if (states_.refuse(std::move(why))) end(run_state::failed);
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
    if (states_.fail(std::move(why))) give_up();
  }

  void cancel() {
    // Between two parts of a run that goes on the second request is in a hurry.
    if (decision_.taken() && (epoch_.last || std::exchange(cancel_wanted_, true))) return committer_.hurry();
    if (states_.committing()) {
      cancel_wanted_ = true;
      return;
    }
    if (states_.cancel()) give_up();
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
    fail(message.why);
    if (!decision_.taken()) return;
    for (auto& [who, one] : instances_)
      if (one.node == message.node) committer_.failed(who, message.why);
  }

  error unit_died(const known_instance& one, const std::string& how) {
    const auto& name = plan_.units[one.who.unit].definition.name;
    auto why = internal_error("unit_died", "unit " + name + " ended unexpectedly" +
                                               (one.node.empty() ? "" : " on node " + one.node) + ": " + how);
    why.where = "unit " + name;
    return why;
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
    auto why = unit_died(one, to_string(message.reason));
    if (decision_.taken()) {
      committer_.failed(*who, why);
      return fail(std::move(why));
    }
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

  void end(run_state state) {
    if (!states_.advance(state)) return;
    const auto last = outcome(state);
    const auto data = to_options(last);
    auto events = std::exchange(events_, {});
    events.push_back(event_of("run." + store::to_string(state), "", data));
    const auto cause = data.contains("cause") ? std::optional<options>(data["cause"]) : std::nullopt;
    decision::last_words words{.state = state, .cause = cause, .summary = data, .events = std::move(events)};
    // Where a system is not reached its sinks can't take back what they have begun.
    if (!decision_.taken() && last.cause && last.cause->to_blame == blame::external)
      words.summary[leftovers_key] = true;
    if (decision_.taken())
      words.commits = state == run_state::failed ? store::commit_state::refused : store::commit_state::committed;
    // What is gone can't clean up behind itself, and what does not answer may be gone.
    if (!decision_.taken() && (lost_any_ || !instances_.all_gone() || !held_.empty()))
      committer_.clean_up(sinks_in(held_));
    decision_.end(std::move(words), [this, last](const status& written) {
      if (written.ok()) return farewell(last);
      decision_.taken() ? leave_untold(written.problem()) : leave_unwritten(last, written.problem());
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
      acknowledge();
      forget_checkpoints();
    }
    send(s_.owner, run_ended{std::make_shared<const run_outcome>(std::move(told))});
    for (auto& [who, one] : instances_) send(one.handle, actors::leave{});
    if (rejects_) send(rejects_, actors::leave{});
    quit();
  }

  /// Nobody continues after a run that has reached its end.
  void forget_checkpoints() {
    if (plan_.endless() || !plan_.checkpoint_interval() || s_.setup->checkpoint_folder.empty()) return;
    io_.post([folder = s_.setup->checkpoint_folder] {
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
    });
  }

  run_outcome outcome(run_state state) { return account_.outcome(state, states_.cause(), age()); }
  /// Microseconds since it began.
  std::int64_t age() { return std::chrono::duration_cast<std::chrono::microseconds>(clock().now() - begun_).count(); }

  supervisor_settings s_;
  const plan& plan_;
  flow::run_states states_;
  journal journal_;
  run_account account_;
  caf::actor rejects_;
  instance_table instances_;
  source_memory memory_;
  decision decision_;
  committer committer_;
  checkpoints checkpoints_;
  /// The checkpoint that is being written or committed, the end of the run among them.
  struct epoch {
    std::uint64_t number = 0;
    std::vector<committer::prepared> due = {};   ///< to be committed with it
    std::vector<committer::prepared> held = {};  ///< at the end of the run
    bool last = false;
  } epoch_;
  flow::epoch_round::collected gathered_;
  checkpoints::wish why_;
  std::map<std::string, std::string> inputs_;          ///< by unit: what its source reads
  std::map<std::string, flow::source_progress> upto_;  ///< of that checkpoint
  std::vector<committer::prepared> held_;              ///< of all complete checkpoints, for the end of the run
  blocking_calls io_;
  std::vector<store::event> events_;  ///< wait for run.started
  run_state good_end_ = run_state::succeeded;
  clock_type::time_point begun_ = clock().now();
  std::optional<error> held_back_;  ///< a failure while the decision was being written
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
