#pragma once

#include "actors/run/rule_messages.hpp"
#include "actors/run/run_setup.hpp"

#include <map>
#include <vector>

namespace sluice::actors {

/// What the rules of a run's units have found, put together over their instances, and the events that tell of it. Part
/// of the supervisor.
class quality {
 public:
  explicit quality(const plan& of) : plan_(of) {}

  /// Takes what an instance's rules have found since its beginning.
  void found(rules_checked what) { results_[what.who.unit][what.who.instance] = std::move(what.results); }
  /// The rules of a unit, its instances summed; empty where it has none.
  [[nodiscard]] std::vector<rule_result> of_unit(std::uint32_t unit) const;
  /// The same, for events and summaries; null where it has none.
  [[nodiscard]] options unit_options(std::uint32_t unit) const;
  /// Adds the rules of each unit to a summary of the run (to_options of its outcome).
  void add_to(options& summary) const;
  /// Events of what has not been told yet: quality.warned of rules that are broken beyond what is allowed, and
  /// quality.failed of those that fail the run.
  [[nodiscard]] std::vector<store::event> news(const run_setup& of);
  /// The same of one unit.
  [[nodiscard]] std::vector<store::event> news(const run_setup& of, std::uint32_t unit);

 private:
  const plan& plan_;
  std::map<std::uint32_t, std::map<std::uint32_t, std::vector<rule_result>>> results_;  ///< by unit and instance
  struct told {
    std::uint64_t broken = 0;
    bool failed = false;
  };
  std::map<std::uint32_t, std::vector<told>> told_;  ///< by unit, in the order of its rules
};

}  // namespace sluice::actors
