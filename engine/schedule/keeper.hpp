#pragma once

#include "engine/schedule/settings.hpp"
#include "engine/store/schedules.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::schedule {

/// What a look at all schedules found.
struct keeper_turn {
  std::vector<store::pending_start> ready = {};  ///< to be started now
  std::vector<store::event> events = {};         ///< that were written
  std::optional<std::int64_t> next = {};         ///< when to look again at the latest, microseconds since 1970 UTC
  std::vector<std::string> problems = {};        ///< schedules that can't be followed here, in words
};

/// Follows the schedules of all deployed pipelines: finds the runs that are due and keeps them in the Store before
/// anything is started, so that a run is neither lost nor started twice, whenever the process dies and whatever the
/// clock does. Several processes may do it on one Store at the same time. Calls block and come one at a time.
class keeper {
 public:
  /// Gives microseconds since 1970 UTC.
  using clock_function = std::function<std::int64_t()>;

  keeper(std::shared_ptr<store::store> in, clock_function now) : store_(std::move(in)), now_(std::move(now)) {}

  result<keeper_turn> look();
  /// The run of a start exists, or why it could not be started. Gives the events that tell of it.
  result<std::vector<store::event>> settle(const store::pending_start& what, const status& outcome);

 private:
  status follow(const store::deployed_pipeline& what, keeper_turn& turn);
  status follow_clock(const store::deployed_pipeline& what, const settings& of, keeper_turn& turn);
  status follow_runs(const store::deployed_pipeline& what, const settings& of, keeper_turn& turn);
  status follow_files(const store::deployed_pipeline& what, const settings& of, keeper_turn& turn);
  status judge(keeper_turn& turn);
  status keep(store::schedule_step step, keeper_turn& turn);
  [[nodiscard]] std::int64_t now() const { return now_(); }

  std::shared_ptr<store::store> store_;
  clock_function now_;
  std::map<std::string, std::int64_t> seen_;    ///< newest event that a pipeline's rule was shown
  std::map<std::string, std::int64_t> looked_;  ///< when a pipeline's files were looked for
};

}  // namespace sluice::schedule
