#pragma once

#include "engine/error/error.hpp"
#include "engine/plan/pipeline.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <optional>

namespace sluice::flow {

/// The states of a run and how they follow each other; the first cause of a failure stays.
///
///   queued -> starting -> running -> draining -> committing -> succeeded | partial
///   any of them -> failed | cancelled; committing only to failed, where a target refuses for good
///   any of them but committing -> restarting, where a failed run is to be tried again, or paused
class run_states {
 public:
  [[nodiscard]] store::run_state now() const { return now_; }
  [[nodiscard]] bool ended() const { return store::is_final(now_); }
  [[nodiscard]] const std::optional<error>& cause() const { return cause_; }
  /// Set once something went wrong or the user cancelled; the final state follows when the units have stopped.
  [[nodiscard]] std::optional<store::run_state> ending() const { return ending_; }

  /// Goes on to the next state; false (and nothing changes) where it does not follow.
  [[nodiscard]] bool advance(store::run_state to);
  /// Something failed: true the first time, false where the run is ending already or has decided to commit.
  [[nodiscard]] bool fail(error why);
  /// The user cancels: true where that ends it, false where it is ending already or its sinks are being committed.
  [[nodiscard]] bool cancel();
  /// What failed may pass: the run is to be tried again in the place of failing.
  void try_again() { ending_ = store::run_state::restarting; }
  /// A checkpoint is complete behind which the run is to wait: true where that stops it, false where it is ending.
  [[nodiscard]] bool pause();
  /// The decision to commit is being written: from here the run can't fail or be cancelled.
  void commit_begun() { committing_ = true; }
  /// It was not taken.
  void commit_undone() { committing_ = false; }
  /// It was taken, and a target refuses for good.
  [[nodiscard]] bool refuse(error why);
  [[nodiscard]] bool committing() const { return committing_; }

 private:
  store::run_state now_ = store::run_state::queued;
  std::optional<store::run_state> ending_;
  std::optional<error> cause_;
  bool committing_ = false;
};

/// What the rejects of a run mean for its state.
struct rejects_verdict {
  store::run_state state = store::run_state::succeeded;  ///< succeeded, partial or failed
  std::optional<error> cause;                            ///< of failed: too_many_rejects
};
/// Applies `rejects:`; `read` is the number of records that all sources read.
rejects_verdict judge_rejects(const rejects_rule& rule, std::uint64_t rejected, std::uint64_t read);

}  // namespace sluice::flow
