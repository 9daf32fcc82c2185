#pragma once

#include "engine/flow/run_states.hpp"
#include "engine/flow/snapshot.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::flow {

/// What a run without end has rejected and read over its last minutes (`rejects: { per }`): counted at its checkpoints,
/// whose manifests keep it. Time is microseconds for which the run was at work, over all its processes. Plain: it is an
/// argument.
class recent_rejects {
 public:
  explicit recent_rejects(const rejects_rule& rule, std::vector<rejects_sample> before = {});

  /// Notes the counts of a run at a checkpoint; time ascends.
  void add(const rejects_sample& now);
  /// Where the time of the run stood.
  [[nodiscard]] std::int64_t reached() const { return samples_.empty() ? 0 : samples_.back().time; }
  /// What was counted since `per` before the last checkpoint.
  [[nodiscard]] std::uint64_t rejected() const;
  [[nodiscard]] std::uint64_t read() const;
  /// Applies the rule to that: the run fails, or goes on.
  [[nodiscard]] rejects_verdict judge() const;
  /// True where there are more than `allow`, and were not at the checkpoint before.
  [[nodiscard]] bool exceeds_now() const { return exceeds_ && !exceeded_; }
  [[nodiscard]] std::int64_t per() const { return per_; }
  /// At most so many as `fineness`, and two more.
  [[nodiscard]] const std::vector<rejects_sample>& samples() const { return samples_; }

  static constexpr std::int64_t fineness = 60;  ///< parts of `per` that are told apart

 private:
  [[nodiscard]] rejects_sample since() const;
  [[nodiscard]] bool exceeds() const;

  rejects_rule rule_;
  std::int64_t per_;
  std::vector<rejects_sample> samples_;  ///< ascending; the last one is that of the last checkpoint
  bool exceeds_ = false, exceeded_ = false;
};

}  // namespace sluice::flow
