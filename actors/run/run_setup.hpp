#pragma once

#include "actors/run/shared_sources.hpp"
#include "engine/flow/conservation.hpp"
#include "engine/flow/credit.hpp"
#include "engine/flow/snapshot.hpp"
#include "engine/plan/plan.hpp"
#include "engine/runs/claim.hpp"
#include "engine/store/store.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::actors {

/// Makes the components of a run; tests put their own in its place.
struct component_factory {
  std::function<result<std::unique_ptr<source>>(const plan&, int unit, const run_context&)> make_source;
  std::function<result<std::unique_ptr<transform>>(const plan&, int unit, const run_context&)> make_transform;
  std::function<result<std::unique_ptr<sink>>(const plan&, int unit, const run_context&)> make_sink;
};
/// The components that plans name: make_source, make_transform and make_sink of engine/plan.
component_factory planned_components();

/// The checkpoint that a run continues after.
struct resume_point {
  std::uint64_t epoch = 0;
  flow::run_snapshot snapshot = {};
  std::vector<store::prepared_sink> held = {};  ///< to be committed at the end of the run
  std::string folder = {};                      ///< of the checkpoint's files
  std::set<std::uint32_t> afresh = {};          ///< units that begin anew and only count on: they are read again
  std::set<std::uint32_t> refreshed = {};       ///< those that read them, and forget what they have of them
};

/// Where a run stands that is tried again, what its earlier tries have come to.
struct earlier_tries {
  error first_cause;       ///< why the first of them failed
  options process = {};    ///< how their process died: signal, peak_memory, log; null where it lives
  std::int64_t spent = 0;  ///< microseconds since the first of them began
};

/// Everything that is fixed when a run is created. Immutable and shared by all actors of the run on one node; another
/// node makes its own from the plan's bytes.
struct run_setup {
  std::string run;  ///< UUID text
  std::shared_ptr<const plan> what;
  std::shared_ptr<const run_context> context;
  component_factory components;
  store::run_record record;        ///< as it is to be created in the Store
  std::string rejects_path;        ///< where the rejects writer puts its file; made with the first reject
  flow::credit_limits credit;      ///< of every channel
  std::uint32_t splits_ahead = 2;  ///< splits that may be handed out above the lowest unfinished one
  std::uint32_t attempt = 1;       ///< which try of the run
  std::shared_ptr<const earlier_tries> tries = nullptr;  ///< null: it is the first one
  std::uint32_t failures = 0;                            ///< of the tries before
  bool paused = false;                                   ///< before this try
  /// The try before has ended so that inputs are read again (`refresh`).
  bool refreshes = false;
  std::map<std::uint32_t, std::chrono::steady_clock::time_point> read_at =
      {};  ///< by unit with `refresh`: the last time
  /// The Store has the run, and the process that worked on this try has died of that: it is taken over, and tried
  /// again.
  std::optional<error> died_of = {};
  bool adopts = false;    ///< with died_of: its units may still work on nodes, and are looked for first
  bool last_try = false;  ///< with died_of: it is not tried again, so it ends where its units are not found
  /// How long this process tries to make visible what the run has decided to commit before it leaves that to the next
  /// one; not set: as long as it lives.
  std::optional<std::chrono::milliseconds> commit_patience = {};
  std::chrono::milliseconds discover_again = std::chrono::seconds(10);  ///< of sources without end: how often
  std::string checkpoint_folder = {};               ///< where units put what they hold; made with the first of them
  std::shared_ptr<const resume_point> resume = {};  ///< null: it begins afresh
  run_claim claim = {};                             ///< without a pipeline: the run goes on beside any other
  overlap_rule overlap = overlap_rule::skip;
  /// Plans the same run once more, because what it reads may have changed while it waited for another one. Blocks; uses
  /// nothing that ends before the process.
  std::function<result<std::shared_ptr<const run_setup>>()> again = {};
  std::shared_ptr<shared_sources> sources = std::make_shared<shared_sources>();
};

/// A unit's part of a run's result.
struct unit_outcome {
  std::string unit;
  unit_role role = unit_role::transform;
  flow::unit_counters counters;
  std::string target;  ///< of a sink
};

/// How a run ended.
struct run_outcome {
  std::string run;
  store::run_state state = store::run_state::failed;
  std::optional<error> cause;            ///< of failed; `where` names the unit
  std::uint32_t attempt = 1;             ///< which try of the run it was
  std::uint32_t failures = 0;            ///< of tries
  options process = {};                  ///< how the process of an earlier try died, see earlier_tries
  std::set<std::uint32_t> refresh = {};  ///< paused: goes on at once, and these units read their input again
  bool refused = false;                  ///< the Store did not take the run: it has no record and no events
  std::vector<unit_outcome> units;       ///< in the order of the plan
  bool balanced = false;                 ///< every row is accounted for
  std::uint64_t rejected = 0;
  std::string rejects_path;  ///< empty where there are none
  std::int64_t duration_microseconds = 0;
};

/// Adds a unit's counters as events and the API show them.
void add_counters(options& to, const flow::unit_counters& counters);

/// A cause as events show it.
options cause_to_options(const error& cause);

/// The outcome as events, the Store's summary and `--json` show it.
options to_options(const run_outcome& outcome);

}  // namespace sluice::actors
