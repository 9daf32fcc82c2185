#pragma once

#include "actors/run/checkpoints.hpp"
#include "actors/run/committer.hpp"
#include "actors/run/decision.hpp"
#include "actors/run/instance_table.hpp"
#include "actors/run/run_account.hpp"
#include "actors/run/source_memory.hpp"
#include "actors/run/supervisor.hpp"
#include "engine/flow/recent_rejects.hpp"
#include "engine/flow/run_states.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::actors {

/// Takes the epochs of a run from their barriers to their commits, the end of the run among them: all that instances
/// hold and have prepared, rejects durable, the decision, the commits, the next one. Part of the supervisor.
class run_epochs {
 public:
  /// What it shares with the supervisor, which outlives it.
  struct parts {
    flow::run_states& states;
    run_account& account;
    journal& told;
    source_memory& memory;
    instance_table& instances;
  };
  struct callbacks {
    std::function<run_outcome(store::run_state)> outcome;
    std::function<void(std::uint64_t)> sync_rejects;  ///< `rejects_synced` must follow, or the run ends
    std::function<void(error)> failed;
    std::function<void(error)> not_taken;         ///< a decision is not durable, and never will be
    std::function<void()> settled;                ///< a checkpoint is visible where it is to be: `done` must follow
    std::function<void(store::run_state)> ended;  ///< all is visible, or (failed) a target refuses for good
    std::function<void(error)> undone;  ///< the decision stands, and this process can do no more: the next one goes on
  };
  run_epochs(caf::event_based_actor* self, const supervisor_settings& with, parts of, callbacks calls);

  // -- what instances and the writer of the rejects tell

  void discovered(const splits_discovered& message);
  void ready(const epoch_ready& message) { checkpoints_.ready(message); }
  void prepared(epoch_prepared message) { checkpoints_.prepared(std::move(message)); }
  void finished(const instance_finished& message) { checkpoints_.finished(message); }
  void synced(const rejects_synced& rejects);
  void committed(const flow::instance_id& who) { committer_.committed(who); }
  /// A sink could not commit, or is gone; false where it was not asked to.
  bool failed(const flow::instance_id& who, error why) { return taken() && committer_.failed(who, std::move(why)); }

  // -- what the supervisor decides

  /// All units are at work.
  void start() { checkpoints_.start(); }
  /// The same, of a run that was taken over.
  void start_at_once() { checkpoints_.start_at_once(); }
  std::uint64_t ask(checkpoints::wish for_what) { return checkpoints_.ask(for_what); }
  [[nodiscard]] bool busy() const { return checkpoints_.busy(); }
  [[nodiscard]] std::optional<std::uint64_t> under_way() const { return checkpoints_.under_way(); }
  /// No further checkpoint.
  void stop() { checkpoints_.stop(); }
  /// What was settled has been looked at: the next checkpoint may begin.
  void done() { checkpoints_.done(); }
  /// Judges the rejects at a checkpoint or the end; false where they fail the run, which has been told.
  bool judge_rejects();
  /// The end of a run whose units have all finished. From here on nothing may fail the run before the Store has said
  /// whether the decision is durable.
  void decide(std::vector<store::event> events);
  /// Whether a decision is durable whose commits are not settled.
  [[nodiscard]] bool taken() const { return decision_.taken(); }
  /// The last complete one that others can go on behind; 0: none.
  [[nodiscard]] std::uint64_t completed() const { return completed_; }
  /// What was settled last was taken so that the run can wait.
  [[nodiscard]] bool pausing() const { return checkpoints_.pausing(); }
  /// Whether that is the end of the run.
  [[nodiscard]] bool last() const { return epoch_.last; }
  /// Somebody waits for the end: what can't be committed at once is left to the next process.
  void hurry() { committer_.hurry(); }
  /// Removes what sinks have made behind the last checkpoint; all of it where there is none.
  void clean_up() { committer_.clean_up(sinks_in(held_)); }
  [[nodiscard]] bool holds() const { return !held_.empty(); }
  void end(decision::last_words words, const std::function<void(const status&)>& then) {
    decision_.end(std::move(words), then);
  }
  /// The sources may acknowledge what was read.
  void acknowledge();
  /// Nobody continues after a run that has reached its end.
  void forget_checkpoints();
  void close();

 private:
  void collected(flow::epoch_round::collected what, checkpoints::wish why);
  [[nodiscard]] std::vector<committer::prepared> held_behind(const std::vector<committer::prepared>& now) const;
  void warn_of_rejects(std::vector<store::event>& told) const;
  void take(store::manifest what, std::vector<store::event> events);
  void commit();
  void committed_all();
  void epoch_done();
  void tell(const flow::instance_id& who, const caf::message& what);
  void tell_to_commit(const flow::instance_id& who, const commit_load& what);
  void forget_old_checkpoints();
  [[nodiscard]] flow::instance_id instance_of(const store::prepared_sink& what) const;
  static std::vector<store::prepared_sink> sinks_in(const std::vector<committer::prepared>& list);

  caf::event_based_actor* self_;
  std::shared_ptr<const run_setup> setup_;
  std::shared_ptr<store::store> store_;
  const plan& plan_;
  parts of_;
  callbacks calls_;
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
  std::uint64_t completed_ = 0;
  flow::epoch_round::collected gathered_;
  checkpoints::wish why_;
  std::map<std::string, std::string> inputs_;          ///< by unit: what its source reads
  std::map<std::string, flow::source_progress> upto_;  ///< of that checkpoint
  std::vector<committer::prepared> held_;              ///< of all complete checkpoints, for the end of the run
  store::run_state good_end_ = store::run_state::succeeded;
  flow::recent_rejects recent_;  ///< of a run without end
  std::int64_t recent_before_;   ///< its time when this process began
  std::chrono::steady_clock::time_point begun_;
  blocking_calls io_;
};

/// The error of a unit that has ended without a word.
error unit_died(const plan& of, const known_instance& one, const std::string& how);

}  // namespace sluice::actors
