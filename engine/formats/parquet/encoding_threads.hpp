#pragma once

#include "engine/formats/parquet/column_encoder.hpp"
#include "engine/memory/task_lanes.hpp"

#include <cstddef>
#include <functional>
#include <vector>

namespace sluice::parquet_writing {

/// The threads that encode columns: of one file, or of files with the same columns that are open together. Jobs of one
/// column run in the order posted. Used by one thread.
class encoding_threads {
 public:
  using job = std::function<void(page_scratch& scratch)>;

  explicit encoding_threads(std::size_t columns);

  void post(std::size_t column, job what);
  /// Waits until at most `jobs` have not ended.
  void wait(std::size_t jobs = 0) { lanes_.wait(jobs); }

 private:
  std::vector<page_scratch> scratch_;  ///< one a thread
  task_lanes lanes_;
};

}  // namespace sluice::parquet_writing
