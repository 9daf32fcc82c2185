#pragma once

#include "engine/memory/manager.hpp"
#include "engine/operators/sorting/external_sort.hpp"
#include "engine/operators/window_functions/call.hpp"
#include "engine/operators/window_functions/changes.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::window_functions {

/// A call and where in the rows its inputs stand; -1: it has none.
struct placed_call {
  std::shared_ptr<call> compute;
  std::vector<int> arguments = {};
  int filter = -1, range_key = -1, start_limit = -1, end_limit = -1;
  std::size_t order_keys = 0;  ///< as many of the stage's decide which rows are peers
  std::string column;          ///< named in errors
};

/// Sorts rows by partition and order, with the sorter's spilling, and adds the results of all calls whose windows have
/// that order as columns. Rows of a partition are held until it is complete, unless all calls are running ones.
class stage {
 public:
  stage(const run_context& of, const std::string& unit, std::vector<int> partition,
        std::vector<external_sort::key> order, std::vector<placed_call> calls);

  /// As those of external_sort: `work` is called until it is false.
  status add(batch rows) { return sorter_.add(std::move(rows)); }
  status finish() { return sorter_.finish(); }
  result<bool> work() { return sorter_.work(); }
  [[nodiscard]] bool spilled() const { return sorter_.spilled(); }
  status each_held(const std::function<status(const batch&)>& take) const { return sorter_.each_held(take); }
  /// All rows, part by part: those on disk, then those in memory. Blocks.
  status each(const std::function<status(const batch&)>& take) const;

  struct output {
    batch rows;  ///< with the results behind the other columns; without `data`: call again
    row_errors errors = {};
  };
  /// The next rows, once `finish` was called and `work` was false; nothing at the end.
  result<std::optional<output>> next();

 private:
  status take(batch rows);
  status find_begins(const batch& rows);
  result<output> close(std::int64_t cut);
  result<batch> rows_until(std::int64_t cut);

  const run_context& context_;
  std::string unit_;
  std::vector<int> partition_;
  std::vector<external_sort::key> order_;
  std::vector<placed_call> calls_;
  memory::reservation memory_;
  external_sort sorter_;
  bool running_;
  bool ended_ = false;

  // Rows that wait for the end of their partition, and where partitions and peers begin in them. peers_[n]: by the
  // first n keys of the order.
  std::vector<batch> pending_;
  std::int64_t pending_rows_ = 0, pending_bytes_ = 0;
  std::vector<std::int64_t> partitions_;
  std::vector<std::vector<std::int64_t>> peers_;
  std::vector<bool> used_;  ///< which of peers_ any call reads
  bool any_row_ = false;
  std::vector<changes> partition_changes_, order_changes_;  ///< of each key
  std::vector<std::uint8_t> flags_;
};

}  // namespace sluice::window_functions
