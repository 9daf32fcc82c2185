#pragma once

#include "actors/run/follow_messages.hpp"
#include "actors/run/run_setup.hpp"
#include "engine/error/error.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::actors {

/// A try of a run whose controller has gone, and whose units work on: what its new supervisor begins with.
struct adopted_run {
  std::shared_ptr<const run_setup> setup;     ///< `resume`: its last checkpoint
  std::vector<launched_instance> instances;   ///< all of them
  std::uint64_t rejects = 0;                  ///< rows in the file of the rejects
  std::set<std::string> finished_units = {};  ///< whose end was told
};

/// What is needed to supervise a run that this process has taken over in the Store (`of.record.term`), its state and
/// its try unchanged. Error: not_adopted, where that is not possible: it was about to publish, or to wait. Blocks.
result<adopted_run> adopt_run(store::store& in, const run_setup& of, std::vector<launched_instance> instances);
/// Whether it may be possible, by what the Store says. Blocks.
result<bool> may_be_adopted(store::store& in, const store::run_record& run, const plan& what);

/// What the instances of an adopted run, but for enumerators, say until all have said it. Part of the supervisor.
class adoption {
 public:
  explicit adoption(std::shared_ptr<const adopted_run> of) : of_(std::move(of)) {}

  /// False where the run was not adopted.
  explicit operator bool() const { return of_ != nullptr; }
  [[nodiscard]] const adopted_run& run() const { return *of_; }
  /// Takes what an instance says. Gives why the run can't go on where the last one has said it: then it begins again
  /// behind its last checkpoint.
  std::optional<error> stands(const instance_stands& message);
  /// Takes what was prepared at the end of an instance out of its last report, if a checkpoint has counted it.
  void count_once(instance_finished& message) const;
  /// Whether the end of a unit was told before.
  [[nodiscard]] bool told_end_of(const std::string& unit) const {
    return of_ != nullptr && of_->finished_units.contains(unit);
  }

 private:
  std::shared_ptr<const adopted_run> of_;
  std::map<flow::instance_id, instance_stands> said_;
};

}  // namespace sluice::actors
