#pragma once

#include "engine/memory/manager.hpp"
#include "engine/operators/windows/open_windows.hpp"
#include "engine/operators/windows/window_columns.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::windows {

/// Rows of a batch and the windows that they are in: an entry for each window of a row, rows ascending.
struct placed_rows {
  std::vector<std::int32_t> rows;
  std::vector<std::int64_t> begins, ends;
  std::uint64_t distinct = 0;  ///< rows, each counted once

  void clear() {
    rows.clear();
    begins.clear();
    ends.clear();
    distinct = 0;
  }
};

/// From rows with their windows to rows of the output: evaluates what the aggregates read, keeps the groups, and gives
/// those of complete windows. Counts what is added, merged and rejected.
class window_groups {
 public:
  window_groups(const transform_request& request, std::unique_ptr<bound_windows> what, std::int64_t lateness);

  [[nodiscard]] const bound_windows& what() const { return *what_; }
  [[nodiscard]] open_windows& windows() { return windows_; }
  [[nodiscard]] const open_windows& windows() const { return windows_; }
  [[nodiscard]] partitioning input_partitioning() const;

  /// Leaves out rows without an event time.
  result<batch> with_times(batch in, emitter& out);
  /// Rows came when their windows were complete.
  void give_late(const batch& in, const std::vector<std::int32_t>& rows, emitter& out) const;
  status add(const batch& in, const placed_rows& places, emitter& out);
  /// Gives some of the groups that are due; false where there are none, and what is over is forgotten.
  result<bool> give(emitter& out);
  /// What the caller holds beside the groups.
  status holds(std::int64_t bytes);

  /// The groups of a range and the watermark.
  result<std::vector<state_part>> state(key_groups of);
  status restore(const std::vector<state_part>& parts);

 private:
  /// The places of `places` that stay where some rows have errors; none: all do. A row goes once, however many windows
  /// it is in. `distinct` loses those that go.
  result<std::optional<std::vector<std::int32_t>>> settle(const batch& in, const placed_rows& places, row_errors errors,
                                                          std::uint64_t& distinct, emitter& out);

  std::shared_ptr<arrow::Schema> input_;
  on_error policy_;
  std::unique_ptr<bound_windows> what_;
  open_windows windows_;
  memory::reservation memory_;
  std::int64_t others_ = 0;  ///< bytes beside the groups
  bool positions_ = false;   ///< the input's rows have positions, so those made here get some too
};

}  // namespace sluice::windows
