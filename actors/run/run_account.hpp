#pragma once

#include "actors/run/instance_reports.hpp"
#include "actors/run/quality.hpp"
#include "engine/flow/conservation.hpp"
#include "engine/flow/snapshot.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace sluice::actors {

/// What a run has done so far, out of what its instances report: for displays, for its balance and for its outcome.
/// Part of the supervisor.
class run_account {
 public:
  explicit run_account(const run_setup& of);

  /// For what is reported on the way.
  [[nodiscard]] instance_reports& reports() { return reports_; }
  /// What the rules of its units have found.
  [[nodiscard]] quality& rules() { return rules_; }
  /// Takes the last report of an instance; `target` of a sink, `held`: rows that it leaves to the next run.
  void finished(flow::instance_report report, const std::string& target, std::uint64_t held);
  /// Takes what all instances had counted at a checkpoint, and sees that every row up to it is accounted for. An
  /// instance that has ended since keeps the counts of its end.
  status at_checkpoint(const flow::run_snapshot& what);
  void rejects_written(const std::string& path) { rejects_path_ = path; }
  /// Sees that every row is accounted for; the error names the unit whose rows are not.
  status balance();

  /// Records that all sources have read.
  [[nodiscard]] std::uint64_t read() const;
  [[nodiscard]] std::uint64_t rejected() const { return reports_.rejected(); }

  /// `age`: microseconds since it began.
  [[nodiscard]] run_progress progress(store::run_state now, std::int64_t age) const;
  [[nodiscard]] run_outcome outcome(store::run_state state, std::optional<error> cause, std::int64_t age) const;
  /// A unit's part of the outcome, for the event of its end.
  [[nodiscard]] options unit_outcome(std::uint32_t unit) const;

 private:
  /// Held rows that its counts have to account for; modulo 2^64 where it holds less than at its beginning.
  [[nodiscard]] std::uint64_t held_since(const flow::instance_id& who, std::uint64_t held) const;

  std::string run_;
  const plan& plan_;
  std::shared_ptr<const run_context> context_;
  instance_reports reports_;
  quality rules_;
  flow::balance rows_;
  std::set<flow::instance_id> finished_;
  std::map<std::uint32_t, std::string> targets_;  ///< of sinks, by unit
  std::string rejects_path_;
  /// Rows that instances held at their beginning, without their counts saying so (of an edited pipeline).
  std::map<flow::instance_id, std::uint64_t> held_before_;
  bool balanced_ = false;
};

}  // namespace sluice::actors
