#pragma once

#include "engine/transforms/aggregates/accumulator.hpp"
#include "engine/transforms/group_index.hpp"

#include <memory>
#include <vector>

namespace sluice::aggregates {

/// The state of an aggregate call over all groups: FILTER and DISTINCT in front of its accumulator.
class call_state {
 public:
  static result<std::unique_ptr<call_state>> make(const expression::aggregate_call& call);

  /// `filter`: boolean, or null where the call has none.
  status add(const grouped_rows& rows, const std::shared_ptr<arrow::Array>& filter);
  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups,
                                               const expression::aggregate_call& as) {
    return state_->finish(groups, as);
  }
  [[nodiscard]] std::int64_t bytes() const;

 private:
  status add_distinct(const grouped_rows& rows);
  /// Passes on the rows in chosen_ only.
  status add_chosen(const grouped_rows& rows, bool then_distinct);

  accumulator_ptr state_;
  std::unique_ptr<group_index> distinct_;  ///< numbers pairs of group and value; null without DISTINCT
  std::vector<std::int64_t> row_counts_;   ///< of the rows that FILTER and DISTINCT leave
  std::vector<std::int32_t> chosen_;
  std::vector<std::uint8_t> new_pair_;
};

}  // namespace sluice::aggregates
