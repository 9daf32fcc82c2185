#pragma once

#include "engine/operators/aggregates/aggregation.hpp"
#include "engine/operators/aggregates/call_state.hpp"
#include "engine/operators/keys/group_places.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::aggregates {

/// Groups that are in memory together, and the state of all calls for them. All
/// groups of an aggregate are one pass where there is memory for them.
/// Otherwise it is frozen at some point: rows of groups that are there go on to
/// be taken in, the others are left to the caller, who spills them and makes a
/// pass of each part later. So every group is in one pass with all of its rows,
/// and its results are the same bits.
class group_pass {
 public:
  /// Rows with what was evaluated over them.
  struct evaluated_rows {
    std::vector<std::shared_ptr<arrow::Array>> keys;  ///< canonical
    std::vector<std::shared_ptr<arrow::Array>> inputs;
    std::int64_t rows = 0;
    order_key order;                             ///< of their batch
    const std::uint32_t* row_numbers = nullptr;  ///< in that batch, ascending; null: 0, 1, 2, ...
  };

  static result<std::unique_ptr<group_pass>> make(const aggregation& what, const run_context& of,
                                                  const std::string& unit);

  /// Takes rows in; those of groups for which there is no room come back, by
  /// index, in `left_out`.
  status add(evaluated_rows in);
  [[nodiscard]] const std::vector<std::int32_t>& left_out() const { return left_out_; }
  /// The group of each row of the last call that was taken in. Valid until the next call of any kind.
  [[nodiscard]] std::span<const std::uint32_t> last_groups() const { return last_groups_; }
  /// Hashes of all keys of the last call, once frozen.
  [[nodiscard]] const std::vector<std::uint64_t>& hashes() const { return index_->hashes(); }
  /// The group of each row that the last call of `add` took; valid until the next.
  [[nodiscard]] const std::uint32_t* groups() const { return groups_; }
  /// Rows of the last call that joined a group that was there.
  [[nodiscard]] std::uint64_t merged() const { return merged_; }
  /// Takes no more groups from now on.
  status freeze();
  [[nodiscard]] bool frozen() const { return frozen_; }
  /// The one group of an aggregate without keys, which is there whatever came.
  status add_nothing();

  [[nodiscard]] std::uint32_t size() const { return index_->size(); }
  [[nodiscard]] std::int64_t bytes() const;
  [[nodiscard]] std::int64_t growth(std::int64_t rows) const { return index_->growth(rows); }

  /// What is held of the groups of a range, as rows: keys, number of rows, where the group appeared, then what each
  /// state holds. `distinct`: of each state.
  struct saved {
    std::shared_ptr<arrow::RecordBatch> groups;
    std::vector<std::shared_ptr<arrow::RecordBatch>> distinct;
  };
  result<saved> save(key_groups of);
  /// The same in parts of at most so many groups, so that they are never in memory together. Blocks.
  status save_by_parts(key_groups of, std::size_t most, const std::function<status(saved)>& take);
  /// The same of some groups.
  result<saved> save(const std::vector<std::uint32_t>& groups);
  /// True where a state keeps distinct values of each group: `save` looks through all of them.
  [[nodiscard]] bool has_distinct() const;
  /// Takes groups back, all of them new.
  status load(const saved& from);
  /// Distinct values that are on disk, beside what `save` gives: keys and values, part by part; and back, behind
  /// `load`, once frozen. Block.
  [[nodiscard]] bool has_spilled() const;
  status hand_out(key_groups of, const std::function<status(const state_part&)>& take);
  status take_in(const state_part& part);
  /// The number of a batch whose groups, or spilled rows, are taken back.
  result<std::uint32_t> number_of(const order_key& batch) { return taken_back_.number(batch, order_); }
  /// As `add` of rows of groups that are all left out; foreign_state, where one is there.
  status leave_out(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows);

  /// No rows follow: goes on with what is left to do until it is false.
  result<bool> settle();
  /// Begins to give groups in the order in which they appeared.
  void start() { seen_.start(order_); }
  /// The next groups, at most `count`; empty at the end. Valid until the next
  /// call.
  std::span<const std::uint32_t> next(std::size_t count) { return seen_.next(count); }
  /// Where a group first appeared: the number of its batch, counted over all
  /// calls of `add`, and the row.
  [[nodiscard]] group_places::place place_of(std::uint32_t group) const { return seen_.place_of(group); }
  [[nodiscard]] const arrivals& order() const { return order_; }

  result<std::vector<std::shared_ptr<arrow::Array>>> keys(std::span<const std::uint32_t> groups) const {
    return index_->keys(groups);
  }
  result<std::shared_ptr<arrow::Array>> result_of(const aggregation::call& call, std::span<const std::uint32_t> groups,
                                                  row_errors& errors) {
    return states_[call.state]->finish(groups, call.what, errors);
  }

 private:
  group_pass(const aggregation& what) : what_(what) {}
  status add_states(grouped_rows rows, const std::vector<std::shared_ptr<arrow::Array>>& inputs);
  /// Splits off the rows that are left out.
  status keep_known(evaluated_rows& in, const std::uint32_t*& groups);

  const aggregation& what_;
  std::unique_ptr<group_index> index_;
  std::vector<std::unique_ptr<call_state>> states_;
  std::vector<std::int64_t> row_counts_;  ///< of each group
  arrivals order_;
  held::batches_taken_back taken_back_;
  group_places seen_;
  bool frozen_ = false;
  const std::uint32_t* groups_ = nullptr;
  std::uint64_t merged_ = 0;
  std::span<const std::uint32_t> last_groups_;
  std::vector<std::int32_t> left_out_;
  std::vector<std::int32_t> kept_;
  std::vector<std::uint32_t> kept_groups_, kept_numbers_;
};

}  // namespace sluice::aggregates
