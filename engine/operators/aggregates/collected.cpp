// Aggregates that need the values of a group side by side, in an order: string_agg, array_agg, percentile_disc, mode.
// The values are kept as they came and put in order when the results are read.
#include "engine/operators/aggregates/collected.hpp"
#include "engine/operators/keys/key_hash.hpp"
#include "engine/operators/sorting/sort_keys.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace sluice::aggregates {

namespace {

// What the binder wrote: two letters for each key of the order, 1 where values are distinct, a colon, then the
// delimiter or the fraction.
struct parameters {
  explicit parameters(const std::string& text) {
    const auto colon = text.find(':');
    auto at = std::size_t{0};
    for (; at + 1 < colon && (text[at] == 'a' || text[at] == 'd'); at += 2)
      order.push_back(
          {.value = nullptr, .text = {}, .descending = text[at] == 'd', .nulls_first = text[at + 1] == 'f'});
    distinct = at < colon && text[at] == '1';
    rest = text.substr(colon + 1);
  }
  std::vector<sort_key> order;
  bool distinct = false;
  std::string rest;
};

class collected final : public accumulator {
 public:
  collected(std::string function, const std::string& how, std::shared_ptr<arrow::DataType> type)
      : function_(std::move(function)), how_(how), type_(std::move(type)) {}

  status add(const grouped_rows& in) override {
    order_ = in.order;
    chunk made{.values = in.values, .groups = {in.groups, in.groups + in.rows}, .batch = in.batch, .restored = false};
    // array_agg keeps nulls, the others have nothing of them.
    const auto& first = *static_cast<const arrow::StructArray&>(*in.values).field(0);
    if (function_ != "array_agg" && first.null_count() > 0) {
      std::vector<std::int32_t> kept;
      for (std::int64_t row = 0; row < in.rows; ++row)
        if (first.IsValid(row)) kept.push_back(static_cast<std::int32_t>(row));
      const arrow::Int32Array indices(std::ssize(kept), arrow::Buffer::Wrap(kept));
      SLUICE_ASSIGN_ARROW(made.values, arrow::compute::Take(*in.values, indices), "collect values");
      made.groups.clear();
      for (const auto row : kept) made.groups.push_back(in.groups[row]);
    }
    if (made.groups.empty()) return {};
    return put(std::move(made));
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups,
                                               const expression::aggregate_call& as, row_errors& errors) override {
    SLUICE_TRY(arrange());
    std::vector<std::int64_t> rows;  // of the groups, one behind the other
    std::vector<std::int64_t> ends;
    for (const auto group : groups) {
      SLUICE_TRY(append_in_order(group, rows));
      ends.push_back(std::ssize(rows));
    }
    if (function_ == "string_agg") return joined(rows, ends, errors);
    if (function_ == "array_agg") return listed(rows, ends, as.type);
    if (function_ == "mode") return most_frequent(rows, ends);
    double fraction = 0;
    std::from_chars(how_.rest.data(), how_.rest.data() + how_.rest.size(), fraction);
    return discrete(rows, ends, fraction);
  }

  [[nodiscard]] std::int64_t bytes() const override { return bytes_; }

  /// A list of the values of each group, in the order of the input.
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    SLUICE_TRY(arrange());
    std::vector<std::int64_t> rows;
    std::vector<std::int32_t> offsets = {0};
    for (const auto group : groups) {
      if (group + std::size_t{1} < starts_.size())
        rows.insert(rows.end(), by_group_.begin() + starts_[group], by_group_.begin() + starts_[group + 1]);
      offsets.push_back(static_cast<std::int32_t>(rows.size()));
    }
    SLUICE_ASSIGN(auto values, take(*all_, rows));
    to.push_back(std::make_shared<arrow::ListArray>(arrow::list(type_), std::ssize(groups),
                                                    arrow::Buffer::FromVector(std::move(offsets)), std::move(values)));
    return {};
  }
  status load(saved_columns& from, const grouped_rows& to) override {
    SLUICE_ASSIGN(const auto column, from.next());
    if (column->type_id() != arrow::Type::LIST || column->length() != to.rows) return held::foreign("collected values");
    const auto& lists = static_cast<const arrow::ListArray&>(*column);
    if (!lists.value_type()->Equals(*type_)) return held::foreign("collected values");
    chunk made{.values = {}, .groups = {}, .batch = 0, .restored = true};
    for (std::int64_t row = 0; row < lists.length(); ++row)
      made.groups.insert(made.groups.end(), static_cast<std::size_t>(lists.value_length(row)), to.groups[row]);
    SLUICE_ASSIGN_ARROW(made.values, lists.Flatten(), "take collected values back");
    return made.groups.empty() ? status{} : put(std::move(made));
  }

 private:
  struct chunk {
    std::shared_ptr<arrow::Array> values;
    std::vector<std::uint32_t> groups;
    std::uint32_t batch;
    bool restored;  ///< before all others
  };

  status put(chunk made) {
    SLUICE_ASSIGN_ARROW(const auto size, arrow::util::ReferencedBufferSize(*made.values), "collect values");
    bytes_ += size + std::ssize(made.groups) * 12;
    chunks_.push_back(std::move(made));
    all_ = nullptr;
    return {};
  }

  static result<std::shared_ptr<arrow::Array>> take(const arrow::Array& from, const std::vector<std::int64_t>& rows) {
    const arrow::Int64Array indices(std::ssize(rows), arrow::Buffer::Wrap(rows));
    SLUICE_ASSIGN_ARROW(auto taken, arrow::compute::Take(from, indices, arrow::compute::TakeOptions::NoBoundsCheck()),
                        "put values in order");
    return taken;
  }

  // All values in the input's order, and by group.
  status arrange() {
    if (all_) return {};
    std::stable_sort(chunks_.begin(), chunks_.end(), [&](const chunk& a, const chunk& b) {
      if (a.restored || b.restored) return a.restored && !b.restored;
      return order_ != nullptr && a.batch != b.batch && order_->before(a.batch, b.batch);
    });
    arrow::ArrayVector values;
    std::vector<std::uint32_t> groups;
    for (const auto& each : chunks_) {
      values.push_back(each.values);
      groups.insert(groups.end(), each.groups.begin(), each.groups.end());
    }
    if (values.empty()) {
      SLUICE_ASSIGN_ARROW(all_, arrow::MakeEmptyArray(type_), "put values in order");
    } else {
      SLUICE_ASSIGN_ARROW(all_, arrow::Concatenate(values), "put values in order");
    }
    starts_.assign(groups.empty() ? 1 : *std::max_element(groups.begin(), groups.end()) + std::size_t{2}, 0);
    for (const auto group : groups) ++starts_[group + std::size_t{1}];
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    by_group_.resize(groups.size());
    auto next = starts_;
    for (std::size_t row = 0; row < groups.size(); ++row)
      by_group_[static_cast<std::size_t>(next[groups[row]]++)] = static_cast<std::int64_t>(row);
    const auto& rows = static_cast<const arrow::StructArray&>(*all_);
    values_ = rows.field(0);
    if (how_.order.empty()) return {};
    std::vector<std::shared_ptr<arrow::Array>> keys;
    for (std::size_t i = 0; i < how_.order.size(); ++i) keys.push_back(rows.field(static_cast<int>(i) + 1));
    return keys_.encode(how_.order, std::move(keys), all_->length());
  }

  status append_in_order(std::uint32_t group, std::vector<std::int64_t>& rows) {
    if (group + std::size_t{1} >= starts_.size()) return {};
    std::vector<std::int64_t> own(by_group_.begin() + starts_[group], by_group_.begin() + starts_[group + 1]);
    if (!how_.order.empty())
      std::stable_sort(own.begin(), own.end(), [&](std::int64_t a, std::int64_t b) { return keys_[a] < keys_[b]; });
    for (std::size_t i = 0; i < own.size(); ++i)
      if (!how_.distinct || i == 0 || keys_[own[i]] != keys_[own[i - 1]]) rows.push_back(own[i]);
    return {};
  }

  // Calls visit(number of the group, begin, end) over `rows`.
  template <class Visit>
  static void each_group(const std::vector<std::int64_t>& ends, Visit&& visit) {
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < ends.size(); ++i) {
      visit(static_cast<std::int64_t>(i), begin, ends[i]);
      begin = ends[i];
    }
  }

  result<std::shared_ptr<arrow::Array>> joined(const std::vector<std::int64_t>& rows,
                                               const std::vector<std::int64_t>& ends, row_errors& errors) const {
    const auto& texts = static_cast<const arrow::StringArray&>(*values_);
    arrow::StringBuilder builder;
    std::string text;
    status problem;
    each_group(ends, [&](std::int64_t group, std::int64_t begin, std::int64_t end) {
      text.clear();
      for (auto at = begin; at < end; ++at) {
        if (at > begin) text += how_.rest;
        text += texts.GetView(rows[static_cast<std::size_t>(at)]);
      }
      const bool too_long = std::ssize(text) > (std::int64_t{1} << 30);
      if (too_long)
        errors.push_back(
            {.row = group, .code = "value_too_large", .column = {}, .message = "string_agg gives more than 1 GiB"});
      const auto done = begin == end || too_long ? builder.AppendNull() : builder.Append(text);
      if (!done.ok() && problem.ok()) problem = external_error("out_of_memory", "string_agg: " + done.message());
    });
    SLUICE_TRY(std::move(problem));
    SLUICE_ASSIGN_ARROW(auto made, builder.Finish(), "join texts");
    return made;
  }

  // A group without any row is null, as in PostgreSQL.
  result<std::shared_ptr<arrow::Array>> listed(const std::vector<std::int64_t>& rows,
                                               const std::vector<std::int64_t>& ends,
                                               const std::shared_ptr<arrow::DataType>& type) const {
    SLUICE_ASSIGN(auto values, take(*values_, rows));
    std::vector<std::int32_t> offsets = {0};
    arrow::TypedBufferBuilder<bool> valid;
    each_group(ends, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
      offsets.push_back(static_cast<std::int32_t>(end));
      (void)valid.Append(begin < end);
    });
    SLUICE_ASSIGN_ARROW(auto bits, valid.Finish(), "collect lists");
    return std::shared_ptr<arrow::Array>(std::make_shared<arrow::ListArray>(
        type, std::ssize(ends), arrow::Buffer::FromVector(std::move(offsets)), std::move(values), std::move(bits)));
  }

  result<std::shared_ptr<arrow::Array>> picked(const std::vector<std::int64_t>& places) const {
    arrow::Int64Builder indices;
    for (const auto place : places) {
      SLUICE_TRY_ARROW(place < 0 ? indices.AppendNull() : indices.Append(place), "pick values");
    }
    SLUICE_ASSIGN_ARROW(const auto rows, indices.Finish(), "pick values");
    SLUICE_ASSIGN_ARROW(auto made, arrow::compute::Take(*values_, *rows), "pick values");
    return made;
  }

  // The first in the order of those that come most often.
  result<std::shared_ptr<arrow::Array>> most_frequent(const std::vector<std::int64_t>& rows,
                                                      const std::vector<std::int64_t>& ends) const {
    std::vector<std::int64_t> places;
    each_group(ends, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
      std::int64_t best = -1, most = 0, run = 0;
      for (auto at = begin; at < end; ++at) {
        const auto row = rows[static_cast<std::size_t>(at)];
        run = at > begin && keys_[row] == keys_[rows[static_cast<std::size_t>(at) - 1]] ? run + 1 : 1;
        if (run > most) {
          most = run;
          best = row;
        }
      }
      places.push_back(best);
    });
    return picked(places);
  }

  result<std::shared_ptr<arrow::Array>> discrete(const std::vector<std::int64_t>& rows,
                                                 const std::vector<std::int64_t>& ends, double fraction) const {
    std::vector<std::int64_t> places;
    each_group(ends, [&](std::int64_t, std::int64_t begin, std::int64_t end) {
      const auto count = end - begin;
      const auto number = static_cast<std::int64_t>(std::ceil(fraction * static_cast<double>(count)));
      places.push_back(count == 0 ? -1 : rows[static_cast<std::size_t>(begin + std::max<std::int64_t>(number, 1) - 1)]);
    });
    return picked(places);
  }

  std::string function_;
  parameters how_;
  std::shared_ptr<arrow::DataType> type_;  ///< of the struct of values and keys
  std::vector<chunk> chunks_;
  const arrivals* order_ = nullptr;
  std::int64_t bytes_ = 0;
  // Made when results are read.
  std::shared_ptr<arrow::Array> all_, values_;
  std::vector<std::int64_t> starts_, by_group_;
  encoded_keys keys_;
};

}  // namespace

accumulator_ptr make_collected(const expression::aggregate_call& call) {
  static constexpr const char* names[] = {"array_agg", "mode", "percentile_disc", "string_agg"};
  // percentile_cont(al:0.5)
  const auto open = call.function.find('(');
  const auto name = call.function.substr(0, open);
  if (open == std::string::npos || std::find(std::begin(names), std::end(names), name) == std::end(names))
    return nullptr;
  const auto parameters = call.function.substr(open + 1, call.function.size() - open - 2);
  return std::make_unique<collected>(name, parameters, call.argument->type());
}

}  // namespace sluice::aggregates
