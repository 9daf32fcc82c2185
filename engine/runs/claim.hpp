#pragma once

#include "engine/error/error.hpp"
#include "engine/plan/pipeline.hpp"

#include <cstdint>
#include <string>

namespace sluice {

/// What becomes of a run while another one goes on that it can't go on beside: `run.overlap`.
enum class overlap_rule {
  skip,    ///< it is refused; also where nothing is said
  queue,   ///< it waits for the other's end
  cancel,  ///< the other one is cancelled
};

/// Which other runs a run can't go on beside: those of the same pipeline with the same params, or all of the pipeline.
struct run_claim {
  std::string pipeline;
  std::uint64_t params = 0;  ///< a hash of their values
  bool alone = false;        ///< the pipeline's sources remember what runs have read: one run at a time

  bool operator==(const run_claim&) const = default;
};
run_claim claim_of(const pipeline& what);
/// Whether two runs can't go on at the same time.
bool collide(const run_claim& one, const run_claim& other);

/// The error already_running; `holder` is the run or process that goes on, as messages name it, or empty.
error already_running(const run_claim& what, const std::string& holder);

}  // namespace sluice
