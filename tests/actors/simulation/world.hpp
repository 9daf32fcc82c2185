#pragma once

#include "tests/actors/bench_run.hpp"
#include "tests/actors/simulation/ledger.hpp"
#include "tests/actors/virtual_time.hpp"
#include "tests/support/hooked_store.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace sluice::actors::simulation {

/// One run of a simulation, and what is known of it from outside.
struct simulated_run {
  std::unique_ptr<testing::bench> job;
  std::shared_ptr<const run_setup> setup;
  std::vector<std::shared_ptr<ledger>> targets;
  std::function<result<std::unique_ptr<sink>>(int unit)> make;
  std::int64_t rows = 0;                ///< that each target is to show
  std::set<std::int64_t> rejects = {};  ///< numbers that its source rejects
  bool bad_input = false;               ///< it can't succeed
  bool checkpoints = false;             ///< it takes some, and continues after them
  bool submitted = false;
  bool cancelled = false;  ///< somebody asked for it
  bool crashed = false;    ///< the process that ran it has died, and who waited for it too
  bool taken_up = false;   ///< the next process tries it again
  bool refused = false;    ///< that process could not, and ends it
  caf::actor supervisor = {};
  std::map<flow::instance_id, caf::actor> instances = {};
  std::vector<flow::instance_id> elsewhere = {};  ///< that run on another node
};

/// What may go wrong, and how often, in thousandths. A seed draws it once for its whole simulation.
struct climate {
  int store_fails = 0;      ///< of calls while the Store is well
  int answers_lost = 0;     ///< of calls that took effect
  int outages = 0;          ///< of steps: the Store is gone for a while
  int components_fail = 0;  ///< of calls of sources and sinks
  int kills = 0;            ///< of steps: an actor ends without a word
  int lost_nodes = 0;       ///< of steps
  int cancels = 0;          ///< of steps
  int checkpoints = 0;      ///< of steps: one is asked for
  int pauses = 0;           ///< of steps: a run is paused, until somebody resumes it
  int crashes = 0;          ///< of steps: the process dies and comes back
  int delays = 0;           ///< of steps: time passes although there is work
};

/// A process with real actors and a real Store in virtual time, in which a seed chooses what comes next and what goes
/// wrong, until a calm in which everything has to come to its end.
class world {
 public:
  explicit world(std::uint64_t seed);
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  /// Lives to the end; gives what was promised and not kept.
  std::vector<std::string> live();
  /// What happened, for those who look for the cause.
  [[nodiscard]] const std::vector<std::string>& story() const { return story_; }

 private:
  [[nodiscard]] bool chance(int thousandths);
  [[nodiscard]] std::int64_t between(std::int64_t low, std::int64_t high);
  void tell(const std::string& what);

  void begin_process();
  void subscribe();
  void crash();
  void settle_lost_runs();
  void make_run();
  void submit(simulated_run& run);
  bool take_up(const std::string& id, const store::run_record& found);
  void resume_paused();
  void launch(const actors::launch& message);
  void disturb();
  void dawdle();
  void listen();
  status weather_of_store(bool before, const std::string& call);
  status weather_of_components(const std::string& call);
  [[nodiscard]] bool over();

  void check(std::vector<std::string>& broken);
  void check_events(const store::run_record& run, std::vector<std::string>& broken);
  void check_rows(const simulated_run& run, const store::run_record& record, std::vector<std::string>& broken);
  static void check_rejects(const simulated_run& run, std::vector<std::string>& broken);
  void check_subscriber(std::vector<std::string>& broken);

  testing::virtual_time time_;
  climate climate_;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point outage_until_;
  std::chrono::steady_clock::time_point calm_from_;
  bool dying_ = false;  ///< the process is
  bool fair_ = false;   ///< nothing goes wrong any more
  std::string outage_code_;
  std::shared_ptr<store::store> kept_;
  std::shared_ptr<test::hooked_store> store_;
  std::map<std::string, simulated_run> runs_;
  std::vector<std::string> waiting_;  ///< not submitted yet
  std::set<std::string> lost_;        ///< of a process that died, not settled yet
  std::vector<std::string> story_;

  // Of the process that lives.
  std::unique_ptr<testing::probe> user_;
  std::map<std::string, std::shared_ptr<const run_outcome>> outcomes_;
  std::map<std::string, int> told_;  ///< how often the user was told of a run's end
  caf::actor notifier_;
  caf::actor control_;
  caf::actor starter_;
  caf::actor subscriber_;
  std::vector<std::int64_t> heard_;  ///< cursors that the named subscriber was told, repeats included
  std::size_t actors_at_rest_ = 0;
  std::set<std::string> faults_;  ///< of the protocol, seen on the way
};

}  // namespace sluice::actors::simulation
