#include "engine/operators/deduplicates/keep_within.hpp"

#include "engine/component/flush_time.hpp"
#include "engine/component/stand_in.hpp"
#include "engine/memory/manager.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/row_policy.hpp"
#include "engine/operators/windows/event_times.hpp"
#include "engine/operators/windows/held_in_time.hpp"
#include "engine/operators/windows/late_rows.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <queue>

namespace sluice {

namespace {

constexpr std::size_t few_keys = 1024;  // below these it does not pay to forget keys

class keep_within final : public transform {
 public:
  keep_within(const transform_request& request, std::vector<int> by, std::int64_t within)
      : schema_(request.inputs.front().schema),
        time_(*request.inputs.front().time),
        policy_(request.policy),
        by_(std::move(by)),
        within_(within),
        outputs_{{.name = "", .schema = schema_, .time = time_}},
        memory_(request.context->memory, request.unit) {
    windows::add_late_port(request, outputs_);
  }

  [[nodiscard]] const std::vector<output_port>& outputs() const override { return outputs_; }
  [[nodiscard]] partitioning input_partitioning(int) const override {
    partitioning how{.how = partitioning::kind::by_keys};
    for (const int key : by_) {
      how.keys.push_back(schema_->field(key)->name());
      how.key_types.push_back(canonical_key_type(schema_->field(key)->type()));
    }
    return how;
  }
  [[nodiscard]] bool needs_order() const override { return true; }
  [[nodiscard]] bool needs_watermarks() const override { return true; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema_);
    columns.add(by_);
    columns.add_name(time_.column);
    for (const auto& name : wanted) columns.add_name(name);
    if (outputs_.size() > 1)
      for (const auto& field : schema_->fields()) columns.add_name(field->name());
    return columns.names();
  }

  /// The keys that are remembered, each with the time of a row that was kept; and the watermark.
  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    SLUICE_ASSIGN(auto mark, held::numbers("watermark", {watermark_}));
    parts.push_back(std::move(mark));
    std::vector<std::uint32_t> numbers;
    std::vector<std::int64_t> times;
    for (std::uint32_t key = 0; key < kept_.size(); ++key)
      for (const auto time : kept_[key]) {
        numbers.push_back(key);
        times.push_back(time);
      }
    if (numbers.empty()) return parts;
    SLUICE_ASSIGN(auto columns, keys_->keys(numbers));
    SLUICE_ASSIGN(const auto chosen, held::in_groups(of, columns, std::ssize(numbers)));
    const auto count = std::ssize(times);
    columns.push_back(std::make_shared<arrow::Int64Array>(count, arrow::Buffer::FromVector(std::move(times))));
    batch rows;
    rows.data = held::unnamed(count, std::move(columns));
    parts.push_back({"kept", take_rows(rows, arrow::Int32Array(std::ssize(chosen), arrow::Buffer::Wrap(chosen))).data});
    return parts;
  }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) {
      if (part.name == "watermark") {
        SLUICE_ASSIGN(const auto mark, held::numbers_of(part, 1));
        watermark_ = std::max(watermark_, mark[0]);
        continue;
      }
      auto columns = part.rows->columns();
      if (part.name != "kept" || columns.size() != by_.size() + 1 || columns.back()->type_id() != arrow::Type::INT64)
        return held::foreign(part.name);
      const auto times = std::static_pointer_cast<arrow::Int64Array>(columns.back());
      columns.pop_back();
      const std::uint32_t* numbers = nullptr;
      SLUICE_TRY(number(columns, times->length(), numbers));
      for (std::int64_t row = 0; row < times->length(); ++row) remember(numbers[row], times->Value(row));
    }
    return reserve();
  }

  status process(int, batch in, emitter& out) override {
    SLUICE_ASSIGN(in, windows::with_times(std::move(in), time_, policy_, out));
    if (in.rows() == 0) return {};
    SLUICE_ASSIGN(const auto times, windows::event_times::of(*in.data, time_));
    std::vector<std::shared_ptr<arrow::Array>> keys;
    for (const int key : by_) {
      SLUICE_ASSIGN(auto column, canonical_key(in.data->column(key)));
      keys.push_back(std::move(column));
    }
    const std::uint32_t* numbers = nullptr;
    SLUICE_TRY(number(keys, in.rows(), numbers));
    std::vector<std::int32_t> kept, late;
    for (std::int32_t row = 0; row < in.rows(); ++row) {
      const auto time = times.at(row);
      if (time < watermark_) {
        late.push_back(row);
      } else if (is_new(numbers[row], time)) {
        remember(numbers[row], time);
        kept.push_back(row);
      }
    }
    out.count_merged(static_cast<std::uint64_t>(in.rows()) - kept.size() - late.size());
    windows::give_late(in, late, time_, windows::late_port_of(outputs_), watermark_,
                       "it may repeat a row that is forgotten", out);
    if (std::ssize(kept) == in.rows()) {
      out.emit(0, std::move(in));
    } else if (!kept.empty()) {
      out.emit(0, take_rows(in, arrow::Int32Array(std::ssize(kept), arrow::Buffer::Wrap(kept))));
    }
    return reserve();
  }

  status on_time(std::int64_t watermark, emitter&) override {
    if (watermark == flush_of_time) return {};  // nothing is held back, and what is remembered is still needed
    watermark_ = std::max(watermark_, watermark);
    for (; !ends_.empty() && ends_.top().first <= watermark_; ends_.pop()) {
      auto& times = kept_[ends_.top().second];
      std::erase_if(times, [&](auto time) { return time + within_ <= watermark_; });
      in_use_ -= times.empty() ? 1 : 0;
      if (times.empty()) times.shrink_to_fit();
    }
    SLUICE_TRY(forget_keys());
    return reserve();
  }

 private:
  status number(const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t rows,
                const std::uint32_t*& numbers) {
    if (!keys_) {
      std::vector<std::shared_ptr<arrow::DataType>> types;
      for (const int key : by_) types.push_back(canonical_key_type(schema_->field(key)->type()));
      SLUICE_ASSIGN(keys_, group_index::make(types));
    }
    numbers = keys_->add(keys, rows);
    kept_.resize(std::max<std::size_t>(kept_.size(), keys_->size()));
    return {};
  }
  [[nodiscard]] bool is_new(std::uint32_t key, std::int64_t time) const {
    return std::none_of(kept_[key].begin(), kept_[key].end(),
                        [&](auto other) { return time - other < within_ && other - time < within_; });
  }
  void remember(std::uint32_t key, std::int64_t time) {
    in_use_ += kept_[key].empty() ? 1 : 0;
    kept_[key].push_back(time);
    ends_.emplace(time + within_, key);
  }
  // Where most keys have no row any more, the others are numbered anew.
  status forget_keys() {
    if (!keys_ || keys_->size() < few_keys + 2 * in_use_) return {};
    std::vector<std::uint32_t> used;
    for (std::uint32_t key = 0; key < kept_.size(); ++key)
      if (!kept_[key].empty()) used.push_back(key);
    SLUICE_ASSIGN(const auto values, keys_->keys(used));
    keys_.reset();
    auto kept = std::move(kept_);
    kept_.clear();
    ends_ = {};
    in_use_ = 0;
    const std::uint32_t* numbers = nullptr;
    SLUICE_TRY(number(values, std::ssize(used), numbers));
    for (std::size_t at = 0; at < used.size(); ++at)
      for (const auto time : kept[used[at]]) remember(numbers[at], time);
    return {};
  }
  status reserve() {
    const auto times = ends_.size() * (sizeof(ends_.top()) + sizeof(std::int64_t) * 2);
    return windows::reserve_held(
        memory_, (keys_ ? keys_->bytes() : 0) + static_cast<std::int64_t>(kept_.capacity() * sizeof(kept_[0]) + times));
  }

  std::shared_ptr<arrow::Schema> schema_;
  event_time time_;
  on_error policy_;
  std::vector<int> by_;
  std::int64_t within_;
  std::vector<output_port> outputs_;
  memory::reservation memory_;
  std::unique_ptr<group_index> keys_;
  std::vector<std::vector<std::int64_t>> kept_;  ///< times of kept rows, by number of the key
  std::size_t in_use_ = 0;                       ///< keys with such
  /// When a time can be forgotten, and the key that it is of.
  std::priority_queue<std::pair<std::int64_t, std::uint32_t>, std::vector<std::pair<std::int64_t, std::uint32_t>>,
                      std::greater<>>
      ends_;
  std::int64_t watermark_ = std::numeric_limits<std::int64_t>::min();
};

}  // namespace

std::unique_ptr<transform> keep_rows_within(const transform_request& request, std::vector<int> by, std::int64_t within,
                                            diagnostics& faults) {
  if (!windows::require_time(request, 0, "deduplicate with within", "/deduplicate/within", faults))
    return make_stand_in(request.inputs.front().schema);
  return std::make_unique<keep_within>(request, std::move(by), within);
}

}  // namespace sluice
