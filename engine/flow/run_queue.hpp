#pragma once

#include "engine/runs/claim.hpp"

#include <cstddef>
#include <list>
#include <string>
#include <vector>

namespace sluice::flow {

/// Which of a process's runs go on and which wait: so many at a time, in the order in which they came, and none beside
/// an earlier one that it collides with.
class run_queue {
 public:
  explicit run_queue(std::size_t most) : most_(most) {}

  /// Runs that have not ended and that one with this claim can't go on beside, oldest first.
  [[nodiscard]] std::vector<std::string> in_the_way_of(const run_claim& what) const;
  /// Gives a run its place; it does not go on before `ready`. A claim without a pipeline collides with none.
  void add(const std::string& run, run_claim what);
  void ready(const std::string& run);
  /// The runs that may go on from now, in order.
  std::vector<std::string> admit();
  /// Lets a run go on although it is not its turn: one that only ends.
  void force(const std::string& run);
  void ended(const std::string& run);

 private:
  enum class state { coming, waiting, running };
  struct entry {
    std::string run;
    run_claim claim;
    state now = state::coming;
  };
  entry* find(const std::string& run);

  std::size_t most_;
  std::list<entry> entries_;  ///< in the order in which they came
};

}  // namespace sluice::flow
