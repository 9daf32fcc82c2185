#include "engine/operators/aggregates/accumulator.hpp"
#include "engine/operators/picked_rows.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
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
  /// The value, and the place of its batch, which other batches are compared with; split 2^32 - 1: there is none.
  status save(std::span<const std::uint32_t> groups, const arrivals& order, arrow::ArrayVector& to) override {
    held::place_columns places;
    for (const auto group : groups) {
      const bool has = group < batches_.size() && batches_[group] != none;
      places.add(has ? order.key(batches_[group]) : order_key{.split = none}, has ? 1 : 0);
    }
    batches_.resize(
        std::max<std::size_t>(batches_.size(), groups.empty() ? 0 : std::ranges::max(groups) + std::size_t{1}), none);
    SLUICE_TRY(rows_.put(*arrow::RecordBatch::MakeEmpty(schema_).ValueOrDie(), {}, {}, batches_.size()));
    SLUICE_ASSIGN(const auto values, rows_.take(groups));
    to.push_back(values->column(0));
    return places.append_to(to);
  }
  status load(saved_columns& from, const grouped_rows& to) override {
    SLUICE_ASSIGN(const auto values, from.next());
    arrow::ArrayVector where;
    for (int column = 0; column < 4; ++column) {
      SLUICE_ASSIGN(auto one, from.next());
      where.push_back(std::move(one));
    }
    if (values->length() != to.rows || !values->type()->Equals(*schema_->field(0)->type()) || to.add_place == nullptr)
      return held::foreign("picked values");
    const auto all = held::unnamed(to.rows, std::move(where));
    const held::places_read places(*all, 0);
    batches_.resize(to.group_count, none);
    chosen_.clear();
    taken_.clear();
    std::int64_t end = 0;
    std::uint32_t number = 0;
    for (std::int64_t row = 0; row < to.rows; ++row) {
      if (row == end) {
        end = places.end_of_batch(row);
        if (places.row(row) != 0) {
          SLUICE_ASSIGN(number, to.add_place->add(places.key(row)));
        }
      }
      if (places.row(row) == 0) continue;
      const auto group = to.groups[row];
      batches_[group] = number;
      chosen_.push_back(group);
      taken_.push_back(static_cast<std::int32_t>(row));
    }
    return rows_.put(*arrow::RecordBatch::Make(schema_, to.rows, {values}), chosen_, taken_, to.group_count);
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
