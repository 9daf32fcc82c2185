// string_agg without an order of its own: texts stay in the batches in which they came and are copied once, when
// results are read.
#include "engine/operators/aggregates/collected.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/buffer_builder.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/type.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

namespace sluice::aggregates {

namespace {

constexpr std::int64_t longest_text = std::int64_t{1} << 30;

class joined_texts final : public accumulator {
 public:
  explicit joined_texts(std::string delimiter) : delimiter_(std::move(delimiter)) {}

  status add(const grouped_rows& in) override {
    order_ = in.order;
    auto texts = static_cast<const arrow::StructArray&>(*in.values).field(0);
    chunk made{.texts = {}, .groups = {}, .batch = in.batch, .restored = false};
    if (texts->null_count() == 0) {
      made.groups = {in.groups, in.groups + in.rows};
    } else {
      std::vector<std::int32_t> kept;
      for (std::int64_t row = 0; row < in.rows; ++row) {
        if (texts->IsNull(row)) continue;
        kept.push_back(static_cast<std::int32_t>(row));
        made.groups.push_back(in.groups[row]);
      }
      const arrow::Int32Array indices(std::ssize(kept), arrow::Buffer::Wrap(kept));
      SLUICE_ASSIGN_ARROW(texts, arrow::compute::Take(*texts, indices), "collect texts");
    }
    made.texts = std::static_pointer_cast<arrow::StringArray>(texts);
    put(std::move(made));
    return {};
  }

  result<std::shared_ptr<arrow::Array>> finish(std::span<const std::uint32_t> groups, const expression::aggregate_call&,
                                               row_errors& errors) override {
    arrange();
    arrow::TypedBufferBuilder<std::int32_t> offsets;
    arrow::TypedBufferBuilder<bool> valid;
    arrow::BufferBuilder bytes;
    SLUICE_TRY_ARROW(offsets.Reserve(std::ssize(groups) + 1), "join texts");
    SLUICE_TRY_ARROW(valid.Reserve(std::ssize(groups)), "join texts");
    offsets.UnsafeAppend(0);
    for (std::size_t row = 0; row < groups.size(); ++row) {
      const auto length = find(groups[row]);
      const bool too_long = length > longest_text;
      if (too_long)
        errors.push_back({.row = static_cast<std::int64_t>(row),
                          .code = "value_too_large",
                          .column = {},
                          .message = "string_agg gives more than 1 GiB"});
      valid.UnsafeAppend(!found_.empty() && !too_long);
      if (!too_long) {
        if (bytes.length() + length > std::numeric_limits<std::int32_t>::max())
          return external_error("out_of_memory", "string_agg: the texts of 65,536 groups have more than 2 GiB");
        SLUICE_TRY_ARROW(bytes.Reserve(length), "join texts");
        append_found(bytes);
      }
      offsets.UnsafeAppend(static_cast<std::int32_t>(bytes.length()));
    }
    const auto nulls = valid.false_count();
    SLUICE_ASSIGN_ARROW(auto bits, valid.Finish(), "join texts");
    SLUICE_ASSIGN_ARROW(auto ends, offsets.Finish(), "join texts");
    SLUICE_ASSIGN_ARROW(auto data, bytes.Finish(), "join texts");
    return std::shared_ptr<arrow::Array>(std::make_shared<arrow::StringArray>(
        std::ssize(groups), std::move(ends), std::move(data), nulls > 0 ? std::move(bits) : nullptr, nulls));
  }

  [[nodiscard]] std::int64_t bytes() const override {
    return bytes_ + static_cast<std::int64_t>((starts_.capacity() + places_.capacity()) * 8);
  }

  /// A list of the texts of each group, in the order of the input.
  status save(std::span<const std::uint32_t> groups, const arrivals&, arrow::ArrayVector& to) override {
    arrange();
    arrow::StringBuilder texts;
    std::vector<std::int32_t> offsets = {0};
    for (const auto group : groups) {
      find(group);
      for (const auto text : found_) SLUICE_TRY_ARROW(texts.Append(text), "save texts");
      offsets.push_back(static_cast<std::int32_t>(texts.length()));
    }
    SLUICE_ASSIGN_ARROW(auto values, texts.Finish(), "save texts");
    to.push_back(std::make_shared<arrow::ListArray>(arrow::list(arrow::utf8()), std::ssize(groups),
                                                    arrow::Buffer::FromVector(std::move(offsets)), std::move(values)));
    return {};
  }
  status load(saved_columns& from, const grouped_rows& to) override {
    SLUICE_ASSIGN(const auto column, from.next());
    if (!column->type()->Equals(arrow::list(arrow::utf8())) || column->length() != to.rows)
      return held::foreign("collected texts");
    const auto& lists = static_cast<const arrow::ListArray&>(*column);
    chunk made{.texts = {}, .groups = {}, .batch = 0, .restored = true};
    for (std::int64_t row = 0; row < lists.length(); ++row)
      made.groups.insert(made.groups.end(), static_cast<std::size_t>(lists.value_length(row)), to.groups[row]);
    SLUICE_ASSIGN_ARROW(const auto texts, lists.Flatten(), "take texts back");
    made.texts = std::static_pointer_cast<arrow::StringArray>(texts);
    put(std::move(made));
    return {};
  }

 private:
  struct chunk {
    std::shared_ptr<arrow::StringArray> texts;
    std::vector<std::uint32_t> groups;
    std::uint32_t batch;
    bool restored;  ///< before all others
  };
  struct place {
    std::uint32_t chunk, row;
  };

  void put(chunk made) {
    if (made.groups.empty()) return;
    // Of a row: its offset, its group and its place.
    bytes_ += made.texts->total_values_length() + std::ssize(made.groups) * 16;
    chunks_.push_back(std::move(made));
    arranged_ = false;
  }

  /// Where the texts of each group are, in the input's order. Rows that come group by group need no list of places.
  void arrange() {
    if (arranged_) return;
    arranged_ = true;
    std::stable_sort(chunks_.begin(), chunks_.end(), [&](const chunk& a, const chunk& b) {
      if (a.restored || b.restored) return a.restored && !b.restored;
      return order_ != nullptr && a.batch != b.batch && order_->before(a.batch, b.batch);
    });
    std::uint32_t last = 0;
    bool ascending = true;
    begins_.clear();
    std::size_t rows = 0, most = 0;
    for (const auto& each : chunks_) {
      begins_.push_back(rows);
      rows += each.groups.size();
      for (const auto group : each.groups) {
        ascending = ascending && group >= last;
        last = group;
        most = std::max<std::size_t>(most, group + std::size_t{1});
      }
    }
    starts_.assign(most + 1, 0);
    for (const auto& each : chunks_)
      for (const auto group : each.groups) ++starts_[group + std::size_t{1}];
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    places_.clear();
    if (ascending) return;
    places_.resize(rows);
    auto next = starts_;
    for (std::uint32_t number = 0; number < chunks_.size(); ++number) {
      const auto& groups = chunks_[number].groups;
      for (std::uint32_t row = 0; row < groups.size(); ++row) places_[next[groups[row]]++] = {number, row};
    }
  }

  [[nodiscard]] std::string_view text_at(place at) const {
    const auto& texts = *chunks_[at.chunk].texts;
    const auto begin = texts.raw_value_offsets()[at.row], end = texts.raw_value_offsets()[at.row + 1];
    return {reinterpret_cast<const char*>(texts.raw_data()) + begin, static_cast<std::size_t>(end - begin)};
  }

  /// Finds the texts of a group; gives the length of what they make.
  std::int64_t find(std::uint32_t group) {
    found_.clear();
    if (group + std::size_t{1} >= starts_.size()) return 0;
    const auto begin = starts_[group], end = starts_[group + 1];
    if (begin == end) return 0;
    auto length = static_cast<std::int64_t>((end - begin - 1) * delimiter_.size());
    const auto take = [&](place at) {
      found_.push_back(text_at(at));
      length += std::ssize(found_.back());
    };
    if (!places_.empty()) {
      for (auto at = begin; at < end; ++at) take(places_[at]);
      return length;
    }
    // Groups are mostly asked for one after the other.
    if (at_ >= begins_.size() || begins_[at_] > begin || (at_ + 1 < begins_.size() && begins_[at_ + 1] <= begin))
      at_ = static_cast<std::size_t>(std::upper_bound(begins_.begin(), begins_.end(), begin) - begins_.begin()) - 1;
    for (auto at = begin; at < end; ++at) {
      if (at_ + 1 < begins_.size() && begins_[at_ + 1] == at) ++at_;
      take({static_cast<std::uint32_t>(at_), static_cast<std::uint32_t>(at - begins_[at_])});
    }
    return length;
  }

  void append_found(arrow::BufferBuilder& to) const {
    for (std::size_t i = 0; i < found_.size(); ++i) {
      if (i > 0) to.UnsafeAppend(delimiter_.data(), std::ssize(delimiter_));
      to.UnsafeAppend(found_[i].data(), std::ssize(found_[i]));
    }
  }

  std::string delimiter_;
  std::vector<chunk> chunks_;
  const arrivals* order_ = nullptr;
  std::int64_t bytes_ = 0;
  // Made when results are read.
  bool arranged_ = true;
  std::vector<std::size_t> starts_;  ///< by group: its first place
  std::vector<place> places_;        ///< empty where rows are in the order of their groups
  std::vector<std::size_t> begins_;  ///< the first row of each chunk
  std::size_t at_ = 0;               ///< the chunk that was read last
  std::vector<std::string_view> found_;
};

}  // namespace

accumulator_ptr make_joined_texts(const expression::aggregate_call& call) {
  // string_agg(:,) has neither keys nor distinct.
  constexpr std::string_view plain = "string_agg(:";
  if (!call.function.starts_with(plain)) return nullptr;
  return std::make_unique<joined_texts>(call.function.substr(plain.size(), call.function.size() - plain.size() - 1));
}

}  // namespace sluice::aggregates
