#include "engine/operators/aggregates/accumulator.hpp"
#include "engine/operators/picked_rows.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <vector>

namespace sluice::aggregates {

namespace {

constexpr std::uint32_t none = ~std::uint32_t{0};

// The first or last value of each group that is not null, by the order of the input.
class picks final : public accumulator {
 public:
  picks(pick what, const std::shared_ptr<arrow::DataType>& type)
      : what_(what), schema_(arrow::schema({arrow::field("value", type)})), rows_(schema_) {}

  status add(const grouped_rows& in) override {
    batches_.resize(in.group_count, none);
    // Where batches come in order, a group that has its first row keeps it.
    const bool newest_is_last = in.order->newest_is_last();
    winners_.resize(in.group_count, none);
    chosen_.clear();
    const bool has_nulls = in.values->null_count() > 0;
    for (std::int64_t row = 0; row < in.rows; ++row) {
      if (has_nulls && in.values->IsNull(row)) continue;
      const auto group = in.groups[row];
      const auto held = batches_[group];
      if (what_ == pick::last) {
        if (held != none && held != in.batch && !newest_is_last && in.order->before(in.batch, held)) continue;
      } else {
        if (held == in.batch || (held != none && (newest_is_last || in.order->before(held, in.batch)))) continue;
      }
      if (held != in.batch) chosen_.push_back(group);
      batches_[group] = in.batch;
      winners_[group] = static_cast<std::uint32_t>(row);
    }
    taken_.clear();
    for (const auto group : chosen_) taken_.push_back(static_cast<std::int32_t>(winners_[group]));
    return rows_.put(*arrow::RecordBatch::Make(schema_, in.rows, {in.values}), chosen_, taken_, in.group_count);
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups, const expression::aggregate_call&,
                                               row_errors&) override {
    SLUICE_ASSIGN(const auto rows, rows_.take(groups));
    return rows->column(0);
  }

  [[nodiscard]] std::int64_t bytes() const override {
    return rows_.bytes() + static_cast<std::int64_t>((batches_.capacity() + winners_.capacity()) * 4);
  }

 private:
  pick what_;
  std::shared_ptr<arrow::Schema> schema_;
  picked_rows rows_;
  std::vector<std::uint32_t> batches_;  ///< number of the batch that each group's row came from
  std::vector<std::uint32_t> winners_;  ///< row in the present batch
  std::vector<std::uint32_t> chosen_;   ///< groups that got another row from the present batch
  std::vector<std::int32_t> taken_;
};

}  // namespace

accumulator_ptr make_pick(pick what, const std::shared_ptr<arrow::DataType>& type) {
  return std::make_unique<picks>(what, type);
}

}  // namespace sluice::aggregates
