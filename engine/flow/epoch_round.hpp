#pragma once

#include "engine/flow/snapshot.hpp"
#include "engine/store/manifest.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace sluice::flow {

/// What an instance contributes to a checkpoint.
struct contribution {
  instance_snapshot what = {};
  std::optional<store::prepared_sink> prepared = {};  ///< of a sink
};

/// Who has to say what until an epoch's checkpoint is complete; one epoch at a time.
///
/// Enumerators are asked first. Where one stands at a place where a barrier may be sent, the readers of its source are
/// told to send theirs; everybody else meets the barrier in its inputs. An instance that ends meanwhile counts with its
/// last word, and what it prepared belongs to the epoch that is complete next.
class epoch_round {
 public:
  /// `resumed`: the checkpoint that the run continues after, or null.
  epoch_round(const plan& of, const run_snapshot* resumed, std::uint64_t epoch);

  /// Begins the next epoch; gives the enumerators to ask.
  std::vector<instance_id> begin();
  /// Its epoch, if one is under way.
  [[nodiscard]] std::optional<std::uint64_t> under_way() const { return under_way_; }
  /// The epoch that is complete, or was when the run that this one continues after had taken it.
  [[nodiscard]] std::uint64_t completed() const { return completed_; }

  /// An enumerator is ready; gives the readers that are to send their barriers.
  std::vector<instance_id> ready(const instance_id& enumerator, std::uint64_t epoch);
  /// The enumerator of a source that may go on, where all its readers have contributed since it was ready.
  std::vector<instance_id> passed(std::uint32_t unit);
  /// An instance has passed the barrier. Gives the enumerators that may go on.
  std::vector<instance_id> prepared(std::uint64_t epoch, contribution what);
  /// An instance has ended. The same.
  std::vector<instance_id> finished(contribution what);
  /// True once all have contributed.
  [[nodiscard]] bool complete() const;

  struct collected {
    std::uint64_t epoch = 0;
    run_snapshot snapshot = {};
    std::vector<std::pair<instance_id, store::prepared_sink>> prepared = {};  ///< with this epoch
  };
  /// What all have contributed; the round is over with it. At the end of a run also where none was under way.
  collected take();

 private:
  [[nodiscard]] bool has(const instance_id& who) const { return got_.contains(who) || ended_.contains(who); }

  const plan* plan_;
  std::vector<instance_id> instances_;  ///< without enumerators
  std::uint64_t completed_;
  std::optional<std::uint64_t> under_way_;
  std::set<std::uint32_t> reading_;  ///< sources whose readers were told and have not all answered
  std::map<instance_id, contribution> got_;
  std::map<instance_id, contribution> ended_;
  void take_split(source_progress& into, const split_state& of);
  void take_watermarks();

  std::map<std::string, source_progress> sources_;
  std::map<std::string, std::int64_t> watermarks_;
};

}  // namespace sluice::flow
