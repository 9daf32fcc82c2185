// string_agg without an order of its own: texts stay in the batches in which they came and are copied once, when
// results are read. Of rows of one group that follow each other only the first is remembered, and how many there are.
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
constexpr int row_bits = 20;
constexpr std::int64_t most_in_chunk = (std::int64_t{1} << row_bits) - 1;
constexpr std::size_t most_chunks = std::size_t{1} << (64 - 2 * row_bits);

class joined_texts final : public accumulator {
 public:
  explicit joined_texts(std::string delimiter) : delimiter_(std::move(delimiter)) {}

  status add(const grouped_rows& in) override {
    order_ = in.order;
    auto texts = static_cast<const arrow::StructArray&>(*in.values).field(0);
    std::vector<std::uint32_t> groups;  // of the texts that are not null
    if (texts->null_count() > 0) {
      std::vector<std::int32_t> kept;
      for (std::int64_t row = 0; row < in.rows; ++row) {
        if (texts->IsNull(row)) continue;
        kept.push_back(static_cast<std::int32_t>(row));
        groups.push_back(in.groups[row]);
      }
      const arrow::Int32Array indices(std::ssize(kept), arrow::Buffer::Wrap(kept));
      SLUICE_ASSIGN_ARROW(texts, arrow::compute::Take(*texts, indices), "collect texts");
    }
    return put(texts, groups.empty() ? in.groups : groups.data(), {.batch = in.batch, .restored = false});
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
    std::vector<std::uint32_t> groups;
    for (std::int64_t row = 0; row < lists.length(); ++row)
      groups.insert(groups.end(), static_cast<std::size_t>(lists.value_length(row)), to.groups[row]);
    SLUICE_ASSIGN_ARROW(const auto texts, lists.Flatten(), "take texts back");
    return put(texts, groups.data(), {.batch = 0, .restored = true});
  }

 private:
  struct origin {
    std::uint32_t batch;
    bool restored;  ///< before all others
  };
  struct chunk {
    origin of;
    std::shared_ptr<arrow::StringArray> texts;
    std::vector<std::uint32_t> groups;  ///< of each run of rows of one group
    std::vector<std::uint32_t> counts;  ///< their rows; empty: each has one

    [[nodiscard]] std::uint32_t count(std::size_t run) const { return counts.empty() ? 1 : counts[run]; }
  };
  /// A run in one number: its chunk, its first row and how many it has.
  struct place {
    std::uint64_t chunk : 64 - 2 * row_bits, row : row_bits, count : row_bits;
  };
  static_assert(sizeof(place) == sizeof(std::uint64_t));

  status put(const std::shared_ptr<arrow::Array>& texts, const std::uint32_t* groups, origin of) {
    for (std::int64_t from = 0; from < texts->length(); from += most_in_chunk) {
      const auto rows = std::min(most_in_chunk, texts->length() - from);
      const auto some = rows == texts->length() ? texts : texts->Slice(from, rows);
      chunk made{.of = of, .texts = std::static_pointer_cast<arrow::StringArray>(some), .groups = {}, .counts = {}};
      add_runs(groups + from, rows, made);
      bytes_ += made.texts->total_values_length() + rows * 4 +
                std::ssize(made.groups) * static_cast<std::int64_t>(sizeof(std::uint32_t) + sizeof(place)) +
                std::ssize(made.counts) * static_cast<std::int64_t>(sizeof(std::uint32_t));
      if (chunks_.size() == most_chunks)
        return external_error("out_of_memory", "string_agg: more than 16 million batches of texts");
      chunks_.push_back(std::move(made));
      arranged_ = false;
    }
    return {};
  }

  static void add_runs(const std::uint32_t* groups, std::int64_t rows, chunk& to) {
    std::int64_t runs = 0;
    for (std::int64_t row = 0; row < rows; ++row) runs += row == 0 || groups[row] != groups[row - 1] ? 1 : 0;
    if (2 * runs > rows) return to.groups.assign(groups, groups + rows);
    to.groups.reserve(static_cast<std::size_t>(runs));
    to.counts.reserve(static_cast<std::size_t>(runs));
    for (std::int64_t row = 0; row < rows; ++row) {
      if (row == 0 || groups[row] != groups[row - 1]) {
        to.groups.push_back(groups[row]);
        to.counts.push_back(0);
      }
      ++to.counts.back();
    }
  }

  /// Where the texts of each group are, in the input's order. Rows that come group by group need no list of places.
  void arrange() {
    if (arranged_) return;
    arranged_ = true;
    std::stable_sort(chunks_.begin(), chunks_.end(), [&](const chunk& a, const chunk& b) {
      if (a.of.restored || b.of.restored) return a.of.restored && !b.of.restored;
      return order_ != nullptr && a.of.batch != b.of.batch && order_->before(a.of.batch, b.of.batch);
    });
    std::uint32_t last = 0;
    bool ascending = true;
    begins_.clear();
    std::size_t rows = 0, runs = 0, most = 0;
    for (const auto& each : chunks_) {
      begins_.push_back(rows);
      rows += static_cast<std::size_t>(each.texts->length());
      runs += each.groups.size();
      for (const auto group : each.groups) {
        ascending = ascending && group >= last;
        last = group;
        most = std::max<std::size_t>(most, group + std::size_t{1});
      }
    }
    starts_.assign(most + 1, 0);
    for (const auto& each : chunks_)
      for (std::size_t run = 0; run < each.groups.size(); ++run)
        starts_[each.groups[run] + std::size_t{1}] += ascending ? each.count(run) : 1;
    std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
    places_.clear();
    if (ascending) return;
    places_.resize(runs);
    for (std::size_t number = 0; number < chunks_.size(); ++number) {
      std::uint64_t row = 0;
      for (std::size_t run = 0; run < chunks_[number].groups.size(); ++run) {
        const auto count = chunks_[number].count(run);
        auto& at = places_[starts_[chunks_[number].groups[run]]++];
        at.chunk = number;
        at.row = row;
        at.count = count;
        row += count;
      }
    }
    // Each start has become the next one.
    std::copy_backward(starts_.begin(), starts_.end() - 1, starts_.end());
    starts_.front() = 0;
  }

  /// Takes so many texts of a chunk from a row on; gives their length.
  std::int64_t take(std::size_t number, std::int64_t row, std::int64_t count) {
    const auto& texts = *chunks_[number].texts;
    const auto* const ends = texts.raw_value_offsets() + row;
    const auto* const data = reinterpret_cast<const char*>(texts.raw_data());
    for (std::int64_t i = 0; i < count; ++i)
      found_.emplace_back(data + ends[i], static_cast<std::size_t>(ends[i + 1] - ends[i]));
    return ends[count] - ends[0];
  }

  /// Finds the texts of a group; gives the length of what they make.
  std::int64_t find(std::uint32_t group) {
    found_.clear();
    if (group + std::size_t{1} >= starts_.size()) return 0;
    auto begin = starts_[group];
    const auto end = starts_[group + 1];
    if (begin == end) return 0;
    std::int64_t length = 0;
    if (!places_.empty()) {
      for (auto at = begin; at < end; ++at)
        length += take(places_[at].chunk, static_cast<std::int64_t>(places_[at].row),
                       static_cast<std::int64_t>(places_[at].count));
    } else {
      // Groups are mostly asked for one after the other.
      if (at_ >= begins_.size() || begins_[at_] > begin || (at_ + 1 < begins_.size() && begins_[at_ + 1] <= begin))
        at_ = static_cast<std::size_t>(std::upper_bound(begins_.begin(), begins_.end(), begin) - begins_.begin()) - 1;
      while (begin < end) {
        while (at_ + 1 < begins_.size() && begins_[at_ + 1] <= begin) ++at_;
        const auto until = at_ + 1 < begins_.size() ? std::min(end, begins_[at_ + 1]) : end;
        length += take(at_, static_cast<std::int64_t>(begin - begins_[at_]), static_cast<std::int64_t>(until - begin));
        begin = until;
      }
    }
    return length + (std::ssize(found_) - 1) * std::ssize(delimiter_);
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
  std::vector<std::size_t> starts_;  ///< by group: its first run among places_, or its first row
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
