#pragma once

#include "engine/operators/aggregates/group_pass.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::windows {

/// The groups of an aggregate in windows of fixed length: those whose window is not complete, and for `lateness`
/// microseconds more those that late rows may still change. The last two keys of a group are the begin and the end of
/// its window.
class open_windows {
 public:
  open_windows(const aggregates::aggregation& what, const run_context& of, std::string unit, std::int64_t lateness)
      : what_(what), context_(of), unit_(std::move(unit)), lateness_(lateness) {}

  /// True where rows of a window that ends there come too late.
  [[nodiscard]] bool is_closed(std::int64_t end) const;
  /// Takes rows of windows in that are not closed.
  status add(aggregates::group_pass::evaluated_rows rows);
  /// Rows of the last call of `add` that joined a group that was there.
  [[nodiscard]] std::uint64_t merged() const { return pass_->merged(); }

  /// The watermark has risen: the groups of complete windows become due, and those that late rows have changed again.
  void advance(std::int64_t watermark);
  /// Groups that late rows have changed become due.
  void give_changed();
  /// The next due groups by the end of their window, then in the order in which they appeared; empty at the end. Valid
  /// until the next call.
  std::span<const std::uint32_t> next_due(std::size_t count);
  /// How many of the groups that `next_due` gave last had been given before.
  [[nodiscard]] std::uint64_t given_again() const { return given_again_; }
  /// Reads groups that are due.
  [[nodiscard]] aggregates::group_pass& pass() { return *pass_; }
  /// Forgets the groups of closed windows, once all due ones were read.
  status forget_closed();

  [[nodiscard]] std::int64_t watermark() const { return watermark_; }
  /// Groups in memory.
  [[nodiscard]] std::uint32_t groups() const { return pass_ ? pass_->size() : 0; }
  /// Groups that were not given yet.
  [[nodiscard]] std::uint64_t held() const;
  [[nodiscard]] std::int64_t bytes() const;

  /// What is held of the groups whose keys (without the window) are in a range; nothing may be due.
  result<std::vector<state_part>> state(key_groups of);
  /// Takes over what other instances held; `watermark` is theirs.
  status restore(const std::vector<state_part>& parts, std::int64_t watermark);

 private:
  using groups_by_end = std::map<std::int64_t, std::vector<std::uint32_t>>;

  status prepare();
  status load(const aggregates::group_pass::saved& from);
  /// Files groups from `first` on under the ends of their windows.
  status file(std::uint32_t first);
  void note_changed(std::uint32_t group);
  void make_due(std::vector<std::uint32_t> groups);
  [[nodiscard]] std::vector<std::uint32_t> living() const;

  const aggregates::aggregation& what_;
  const run_context& context_;
  std::string unit_;
  std::int64_t lateness_;
  std::int64_t watermark_ = std::numeric_limits<std::int64_t>::min();
  std::unique_ptr<aggregates::group_pass> pass_;  ///< all groups, those of closed windows until they are forgotten
  groups_by_end open_;                            ///< of windows that are not complete
  groups_by_end given_;                           ///< of complete windows that late rows may still change
  std::vector<std::int64_t> ends_;                ///< of each group's window
  std::vector<std::uint8_t> was_given_;           ///< by group
  std::vector<std::uint8_t> is_changed_;          ///< by group: in `changed_`
  std::vector<std::uint32_t> changed_;            ///< groups of complete windows with rows that were not given yet
  std::vector<std::uint32_t> due_;
  std::size_t due_at_ = 0;
  std::uint64_t given_again_ = 0;
  std::size_t closed_ = 0;  ///< groups to be forgotten
};

}  // namespace sluice::windows
