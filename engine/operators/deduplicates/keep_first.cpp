#include "engine/operators/deduplicates/keep.hpp"
#include "engine/operators/deduplicates/spilling_keys.hpp"
#include "engine/operators/held_state.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

class keep_first final : public spilling_keys {
 public:
  using spilling_keys::spilling_keys;

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema());
    columns.add(by());
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  /// The keys that have had their row.
  result<std::vector<state_part>> state(key_groups of) override {
    SLUICE_ASSIGN(auto keys, known_keys());
    if (keys.empty() || has_finished()) return std::vector<state_part>{};
    SLUICE_ASSIGN(const auto chosen, held::in_groups(of, keys, known()));
    auto all = held::unnamed(known(), std::move(keys));
    batch rows;
    rows.data = std::move(all);
    return std::vector<state_part>{
        {"keys", take_rows(rows, arrow::Int32Array(std::ssize(chosen), arrow::Buffer::Wrap(chosen))).data}};
  }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) {
      SLUICE_ASSIGN(const auto* numbers, take_keys(part.rows->columns(), part.rows->num_rows()));
      (void)numbers;
      holds(0);
    }
    return {};
  }

  status process(int, batch in, emitter& out) override {
    if (in.rows() == 0) return {};
    SLUICE_TRY(choose(in));
    out.count_merged(static_cast<std::uint64_t>(in.rows()) - kept_.size() - left_out_.size());
    if (!left_out_.empty()) {
      SLUICE_ASSIGN(const auto places, make_places(batches_, in.rows()));
      SLUICE_ASSIGN_ARROW(const auto data,
                          in.data->AddColumn(in.data->num_columns(), arrow::field("", arrow::uint64()), places),
                          "spill rows");
      SLUICE_TRY(spill(in.with(data), left_out_));
    }
    ++batches_;
    if (!kept_.empty()) out.emit(0, chosen(std::move(in)));
    return {};
  }

 protected:
  // The place of a row is the number of its batch, which goes on from there.
  result<state_part> part_of(const batch& rows) override { return held::rows("spilled", rows); }
  result<batch> rows_of(const state_part& part) override {
    SLUICE_ASSIGN(auto rows, held::rows_of(part));
    const int place = schema()->num_fields();
    if (rows.data->num_columns() != place + 1 || rows.data->column(place)->type_id() != arrow::Type::UINT64)
      return held::foreign(part.name);
    const auto& places = static_cast<const arrow::UInt64Array&>(*rows.data->column(place));
    for (std::int64_t row = 0; row < places.length(); ++row)
      batches_ = std::max(batches_, static_cast<std::uint32_t>(places.Value(row) >> 32) + 1);
    return rows;
  }

  status take_back(batch rows, external_sort& results, emitter& out) override {
    SLUICE_TRY(choose(rows));
    out.count_merged(static_cast<std::uint64_t>(rows.rows()) - kept_.size() - left_out_.size());
    SLUICE_TRY(spill(rows, left_out_));
    return kept_.empty() ? status() : results.add(chosen(std::move(rows)));
  }

 private:
  // The rows of keys that are new, and those of keys for which there is no
  // room.
  status choose(const batch& in) {
    const auto before = known();
    SLUICE_ASSIGN(const auto* keys, number(in));
    is_new_.assign(known() - before, 1);
    kept_.clear();
    left_out_.clear();
    for (std::int64_t row = 0; row < in.rows(); ++row) {
      if (keys[row] == group_index::missing) {
        left_out_.push_back(static_cast<std::int32_t>(row));
      } else if (keys[row] >= before && is_new_[keys[row] - before]) {
        is_new_[keys[row] - before] = 0;
        kept_.push_back(static_cast<std::int32_t>(row));
      }
    }
    holds(0);
    return {};
  }

  [[nodiscard]] batch chosen(batch in) const {
    const auto count = static_cast<std::int64_t>(kept_.size());
    if (count == in.rows()) return in;
    return take_rows(in, arrow::Int32Array(count, arrow::Buffer::Wrap(kept_)));
  }

  std::uint32_t batches_ = 0;
  std::vector<std::uint8_t> is_new_;
  std::vector<std::int32_t> kept_, left_out_;
};

}  // namespace

std::unique_ptr<transform> keep_first_rows(const transform_request& request, std::vector<int> by) {
  return std::make_unique<keep_first>(request, std::move(by));
}

}  // namespace sluice
