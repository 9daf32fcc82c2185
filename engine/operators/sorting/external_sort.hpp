#pragma once

#include "engine/memory/manager.hpp"
#include "engine/memory/spill_file.hpp"
#include "engine/operators/sorting/key_numbers.hpp"
#include "engine/operators/sorting/packed_rows.hpp"
#include "engine/operators/sorting/row_stream.hpp"
#include "engine/operators/sorting/sorted_runs.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// Sorts any number of rows within the memory that the run's manager grants:
/// batches become sorted runs in memory, or, where keys have a fixed width, wait
/// to be sorted together by numbers; where there is no room for more, they become
/// one run on disk; at the end all runs are merged, in several rounds where there
/// are too many for the memory. Rows with equal keys keep their order.
///
/// Work is cut up: after `add` and `finish`, `work` is called until it is
/// false. Calls may block and take up to some 100 ms.
class external_sort {
 public:
  using key = sort_column;

  external_sort(const run_context& of, const std::string& unit, std::vector<key> keys);

  /// Only the first `rows` of the result are wanted: others are dropped as soon
  /// as that is known.
  void keep_first(std::int64_t rows) { wanted_ = rows; }

  status add(batch rows);
  /// No `add` follows.
  status finish();
  /// Goes on with what `add` and `finish` began; true: call again.
  result<bool> work();
  /// The next rows in order, once `finish` was called and `work` was false; a
  /// batch without `data` at the end.
  result<batch> next();
  [[nodiscard]] bool spilled() const { return file_.bytes_written() > 0; }
  /// Calls `take` with the rows in memory, part by part, so that adding them to another sorter in this order, behind
  /// those on disk, leads to the same result. Only before `finish`, when `work` is false.
  status each_held(const std::function<status(const batch&)>& take) const;
  /// The same of those on disk, part by part. Blocks.
  status each_on_disk(const std::function<status(const batch&)>& take) const;

 private:
  using run_on_disk = std::deque<memory::spilled_block>;
  class disk_source;
  class stream_source;
  /// Rows on their way to a run on disk.
  struct merge_to_disk {
    std::unique_ptr<row_stream> from;
    run_on_disk to;
    std::size_t place;  ///< of the result in on_disk_
  };

  status encode(const batch& rows);
  status close_run();
  result<batch> put_together();
  /// Leaves out rows that can't be among the first, `encoded_` too.
  status drop_late_rows(batch& rows);
  status keep_first_rows();
  /// Makes room where memory was refused.
  status spill();
  [[nodiscard]] bool waits_unsorted(const batch& rows) const;
  /// Waiting rows in order; null where there are none, or they became runs since their keys are too wide.
  result<std::unique_ptr<row_stream>> order_waiting();
  status write_some();
  status prepare_output();
  void merge_on_disk(std::size_t count);
  [[nodiscard]] std::int64_t cost_of(const run_on_disk& run) const;

  std::shared_ptr<memory::manager> manager_;
  memory::reservation memory_;
  memory::spill_file file_;
  std::vector<key> keys_;
  std::vector<sort_key> encodings_;
  encoded_keys encoded_;
  std::int64_t block_bytes_;
  std::vector<batch> pending_;
  std::int64_t pending_rows_ = 0, pending_bytes_ = 0;
  // In memory, behind what is on disk: runs, or rows that wait to be sorted all at once.
  std::vector<sorted_run> runs_;
  std::vector<packed_rows> waiting_;
  std::int64_t run_rows_ = 0, run_bytes_ = 0;  ///< of both
  std::deque<run_on_disk> on_disk_;
  std::optional<merge_to_disk> writing_;
  std::unique_ptr<row_stream> output_;
  std::optional<std::int64_t> wanted_;
  std::optional<sorted_run::prefix> cutoff_;  ///< rows with a greater prefix are not among the first
  std::int64_t given_ = 0;
  bool finished_ = false;
};

}  // namespace sluice
