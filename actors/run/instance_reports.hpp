#pragma once

#include "actors/messages.hpp"
#include "actors/run/run_setup.hpp"
#include "engine/component/may_be_down.hpp"
#include "engine/flow/progress.hpp"
#include "engine/flow/waiting.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::actors {

/// Turns what instances report into what displays show. Times are microseconds of a steady clock.
class instance_reports {
 public:
  explicit instance_reports(const plan& of);

  void discovered(std::uint32_t unit, std::uint64_t bytes);
  void counted(const instance_progress& report);
  void counted(const flow::instance_id& who, const flow::unit_counters& counters);
  void finished(const flow::instance_id& who, const flow::unit_counters& counters);
  /// Takes the rates' next step.
  void tick(std::int64_t now);
  /// The units' part of the progress; sets the time left.
  void fill(run_progress& progress) const;
  /// Rows that all units together have rejected.
  [[nodiscard]] std::uint64_t rejected() const;
  /// What a unit can't reach, of the instance that can't for longest; nothing where all of them can.
  [[nodiscard]] std::optional<down_state> down(std::uint32_t unit) const;

 private:
  struct instance_waits {
    std::uint64_t held_back = 0;
    bool starved = false;
    std::uint64_t looked_at = 0;  ///< its `held_back` at the last tick
  };
  struct unit_state {
    std::map<std::uint32_t, flow::unit_counters> instances;
    std::map<std::uint32_t, instance_waits> waits;
    std::map<std::uint32_t, down_state> down;
    flow::waiting_meter waiting;
    std::uint64_t held_back = 0;  ///< as if each instance were held back as long as the one that is so most
    std::size_t finished = 0;
    flow::rate_meter rate;
    flow::progress_meter share;
  };
  [[nodiscard]] static flow::unit_counters sum(const unit_state& unit);
  /// Of each unit, as the user wrote the pipeline.
  [[nodiscard]] std::vector<flow::unit_counters> sums() const;

  const plan* plan_;
  std::vector<unit_state> units_;
};

}  // namespace sluice::actors
