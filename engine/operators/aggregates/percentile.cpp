// percentile_cont and median: all fractions of one argument are read from one state. The values of a group are selected
// from and stay unordered.
#include "engine/operators/aggregates/collected.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/type.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace sluice::aggregates {

namespace {

/// A number that is ordered as doubles are, NaN last, and its way back.
std::int64_t ordered(double value) {
  if (std::isnan(value)) return std::numeric_limits<std::int64_t>::max();
  const auto bits = std::bit_cast<std::int64_t>(value);
  return bits < 0 ? std::numeric_limits<std::int64_t>::min() - bits - 1 : bits;
}
double from_ordered(std::int64_t number) {
  if (number == std::numeric_limits<std::int64_t>::max()) return std::numeric_limits<double>::quiet_NaN();
  return std::bit_cast<double>(number < 0 ? std::numeric_limits<std::int64_t>::min() - number - 1 : number);
}

/// What stands behind the name, percentile_cont(df:0.9): a or d, l or f, the fraction.
struct wanted {
  explicit wanted(const std::string& function) {
    const auto open = function.find('('), colon = function.find(':');
    descending = function[open + 1] == 'd';
    std::from_chars(function.data() + colon + 1, function.data() + function.size(), fraction);
  }
  double fraction = 0;
  bool descending = false;
};

class percentiles final : public accumulator {
 public:
  status add(const grouped_rows& in) override {
    const auto values =
        std::static_pointer_cast<arrow::DoubleArray>(static_cast<const arrow::StructArray&>(*in.values).field(0));
    chunk made;
    if (values->null_count() == 0) {
      made = {.values = values, .groups = {in.groups, in.groups + in.rows}};
    } else {
      std::vector<double> kept;
      for (std::int64_t row = 0; row < in.rows; ++row) {
        if (values->IsNull(row)) continue;
        kept.push_back(values->Value(row));
        made.groups.push_back(in.groups[row]);
      }
      made.values = array_of(std::move(kept));
    }
    put(std::move(made));
    return {};
  }

  // Between two values in proportion, as PostgreSQL's float8_lerp.
  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups,
                                               const expression::aggregate_call& as, row_errors&) override {
    arrange();
    const wanted how(as.function);
    arrow::DoubleBuilder builder;
    SLUICE_TRY_ARROW(builder.Reserve(std::ssize(groups)), "read percentiles");
    for (const auto group : groups) {
      const auto own = values_of(group);
      if (own.empty()) {
        builder.UnsafeAppendNull();
        continue;
      }
      const double at = how.fraction * static_cast<double>(own.size() - 1);
      builder.UnsafeAppend(
          between(own, static_cast<std::ptrdiff_t>(std::floor(at)), at - std::floor(at), how.descending));
    }
    SLUICE_ASSIGN_ARROW(auto made, builder.Finish(), "read percentiles");
    return made;
  }

  [[nodiscard]] std::int64_t bytes() const override {
    return bytes_ + static_cast<std::int64_t>((arranged_.capacity() + starts_.capacity()) * 8);
  }

  /// A list of the values of each group.
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    arrange();
    std::vector<double> values;
    std::vector<std::int32_t> offsets = {0};
    for (const auto group : groups) {
      for (const auto number : values_of(group)) values.push_back(from_ordered(number));
      offsets.push_back(static_cast<std::int32_t>(values.size()));
    }
    to.push_back(std::make_shared<arrow::ListArray>(arrow::list(arrow::float64()), std::ssize(groups),
                                                    arrow::Buffer::FromVector(std::move(offsets)),
                                                    array_of(std::move(values))));
    return {};
  }
  status load(saved_columns& from, const grouped_rows& to) override {
    SLUICE_ASSIGN(const auto column, from.next());
    if (!column->type()->Equals(arrow::list(arrow::float64())) || column->length() != to.rows)
      return held::foreign("collected values");
    const auto& lists = static_cast<const arrow::ListArray&>(*column);
    chunk made;
    for (std::int64_t row = 0; row < lists.length(); ++row)
      made.groups.insert(made.groups.end(), static_cast<std::size_t>(lists.value_length(row)), to.groups[row]);
    SLUICE_ASSIGN_ARROW(const auto values, lists.Flatten(), "take collected values back");
    made.values = std::static_pointer_cast<arrow::DoubleArray>(values);
    put(std::move(made));
    return {};
  }

 private:
  struct chunk {
    std::shared_ptr<arrow::DoubleArray> values;
    std::vector<std::uint32_t> groups;
  };

  static std::shared_ptr<arrow::DoubleArray> array_of(std::vector<double> values) {
    const auto rows = std::ssize(values);
    return std::make_shared<arrow::DoubleArray>(rows, arrow::Buffer::FromVector(std::move(values)));
  }

  void put(chunk made) {
    if (made.groups.empty()) return;
    bytes_ += std::ssize(made.groups) * 12;
    chunks_.push_back(std::move(made));
  }

  [[nodiscard]] std::span<std::int64_t> values_of(std::uint32_t group) {
    if (group + std::size_t{1} >= starts_.size()) return {};
    return std::span(arranged_).subspan(starts_[group], starts_[group + 1] - starts_[group]);
  }

  /// All values group by group. Chunks are freed one by one.
  void arrange() {
    if (chunks_.empty()) return;
    const auto before = starts_;
    std::size_t most = before.empty() ? 0 : before.size() - 1;
    for (const auto& each : chunks_)
      most = std::max(most, std::size_t{*std::max_element(each.groups.begin(), each.groups.end())} + 1);
    starts_.assign(most + 1, 0);
    for (std::size_t group = 0; group + 1 < before.size(); ++group)
      starts_[group + 1] = before[group + 1] - before[group];
    for (const auto& each : chunks_)
      for (const auto group : each.groups) ++starts_[group + std::size_t{1}];
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    auto next = starts_;
    std::vector<std::int64_t> all(starts_.back());
    for (std::size_t group = 0; group + 1 < before.size(); ++group) {
      std::copy(arranged_.begin() + static_cast<std::ptrdiff_t>(before[group]),
                arranged_.begin() + static_cast<std::ptrdiff_t>(before[group + 1]),
                all.begin() + static_cast<std::ptrdiff_t>(next[group]));
      next[group] += before[group + 1] - before[group];
    }
    for (auto& each : chunks_) {
      const auto* values = each.values->raw_values();
      for (std::size_t row = 0; row < each.groups.size(); ++row) all[next[each.groups[row]]++] = ordered(values[row]);
      each = {};
    }
    chunks_.clear();
    bytes_ = 0;
    arranged_ = std::move(all);
  }

  /// The value at a place of the order, moved towards the next one by a part of their distance.
  static double between(std::span<std::int64_t> own, std::ptrdiff_t place, double part, bool descending) {
    // In a descending order, places are counted from the end.
    const auto at = own.begin() + (descending ? std::ssize(own) - 1 - place : place);
    std::nth_element(own.begin(), at, own.end());
    const double a = from_ordered(*at);
    if (part == 0) return a;
    const double b =
        from_ordered(descending ? *std::max_element(own.begin(), at) : *std::min_element(at + 1, own.end()));
    return a + part * (b - a);
  }

  std::vector<chunk> chunks_;  ///< what came since the values were arranged
  std::int64_t bytes_ = 0;     ///< of those
  std::vector<std::size_t> starts_;
  std::vector<std::int64_t> arranged_;  ///< those of a group from starts_[group] on, in any order
};

}  // namespace

accumulator_ptr make_percentiles(const expression::aggregate_call& call) {
  return family_of(call.function) == "percentile_cont" ? std::make_unique<percentiles>() : nullptr;
}

}  // namespace sluice::aggregates
