#pragma once

#include "engine/operators/aggregates/accumulator.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/partitioned_spill.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::aggregates {

/// The state of an aggregate call over all groups: FILTER and DISTINCT in front
/// of its accumulator.
class call_state {
 public:
  static result<std::unique_ptr<call_state>> make(const expression::aggregate_call& call, const run_context& of,
                                                  const std::string& unit);
  call_state(const run_context& of, std::string unit)
      : context_(of), unit_(std::move(unit)), memory_(of.memory, unit_) {}

  /// `filter`: boolean, or null where the call has none.
  status add(const grouped_rows& rows, const std::shared_ptr<arrow::Array>& filter);
  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups,
                                               const expression::aggregate_call& as, row_errors& errors) {
    return state_->finish(groups, as, errors);
  }
  [[nodiscard]] std::int64_t bytes() const;
  /// As those of accumulator. Distinct values are a part of their own, by the place of their group in `groups`; null
  /// where the call has none. `filtered`: the call has a FILTER.
  status save(std::span<const std::uint32_t> groups, const arrivals& order, arrow::ArrayVector& to,
              std::shared_ptr<arrow::RecordBatch>& distinct);
  status load(saved_columns& from, const grouped_rows& to, bool filtered,
              const std::shared_ptr<arrow::RecordBatch>& distinct);
  /// Distinct values that went to disk, with the numbers of their groups; and back, once frozen. Block.
  [[nodiscard]] bool has_distinct() const { return distinct_ != nullptr; }
  [[nodiscard]] bool has_spilled() const { return spilled_ && spilled_->rows() > 0; }
  using pair_taker = std::function<status(const arrow::UInt32Array&, const std::shared_ptr<arrow::Array>&)>;
  status each_spilled(const pair_taker& take) const;
  status take_spilled(const std::vector<std::uint32_t>& groups, const std::shared_ptr<arrow::Array>& values);
  /// Keeps no more distinct values in memory than there are: others go to disk.
  status freeze();
  /// No rows follow: works off what went to disk, until it is false. No
  /// `finish` before that.
  result<bool> settle();

 private:
  status add_distinct(const grouped_rows& rows);
  status spill_pairs(const grouped_rows& rows, const std::vector<std::shared_ptr<arrow::Array>>& pairs);
  /// Passes on the rows in chosen_ only.
  status add_chosen(const grouped_rows& rows, bool then_distinct);

  const run_context& context_;
  std::string unit_;
  memory::reservation memory_;  ///< of the pairs once they are worked off part
                                ///< by part; the pass counts them before
  accumulator_ptr state_;
  std::shared_ptr<arrow::DataType> pair_type_;
  std::unique_ptr<partitioned_spill> spilled_;  ///< pairs that there is no room for; null while all are in
                                                ///< memory
  bool frozen_ = false;
  bool settling_ = false;
  std::size_t group_count_ = 0;
  std::unique_ptr<group_index> distinct_;  ///< numbers pairs of group and value; null without DISTINCT
  std::vector<std::int64_t> row_counts_;   ///< of the rows that FILTER and DISTINCT leave
  std::vector<std::int32_t> chosen_;
  std::vector<std::uint8_t> new_pair_;
};

}  // namespace sluice::aggregates
