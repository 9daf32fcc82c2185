#include "engine/component/may_block.hpp"
#include "engine/component/spilled_state.hpp"
#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/keeps_first.hpp"
#include "engine/operators/row_policy.hpp"
#include "engine/operators/sorting/external_sort.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <memory>

namespace sluice {

namespace {

class sort final : public single_output, public may_block, public keeps_first, public spilled_state {
 public:
  sort(const transform_request& request, std::vector<sort_key> keys)
      : single_output(request, request.inputs.front().schema), keys_(std::move(keys)), stored_(schema()) {
    std::vector<external_sort::key> columns;
    for (const auto& key : keys_) {
      auto column = key.value->as_column();
      if (!column) {
        // Sorted by something computed: that becomes a column of its own.
        column = stored_->num_fields();
        stored_ = stored_->AddField(*column, arrow::field("", key.value->type())).ValueOrDie();
      }
      columns.push_back({.column = *column, .descending = key.descending, .nulls_first = key.nulls_first});
    }
    sorter_ = std::make_unique<external_sort>(*request.context, request.unit, std::move(columns));
  }

  [[nodiscard]] partitioning input_partitioning(int) const override { return {.how = partitioning::kind::single}; }
  [[nodiscard]] std::optional<std::string> needs_end(int) const override {
    return "sort what is loaded where it is read, or sort a bounded source";
  }
  [[nodiscard]] std::uint64_t held() const override { return ended_ ? 0 : taken_ - given_; }
  [[nodiscard]] bool needs_order() const override { return true; }
  [[nodiscard]] bool keeps_order() const override { return false; }
  [[nodiscard]] bool next_call_may_block() const override { return true; }
  void keep_first(std::int64_t rows) override { sorter_->keep_first(rows); }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema());
    for (const auto& key : keys_) columns.add(key.value->columns());
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  /// Rows of one batch or sorted run a part.
  result<std::vector<state_part>> state(key_groups of) override {
    std::vector<state_part> parts;
    if (!of.contains(0)) return parts;
    if (taken_ == 0 || ended_) return parts;
    if (has_spilled()) return parts;
    SLUICE_ASSIGN(auto counts, held::numbers("counts", {static_cast<std::int64_t>(taken_)}));
    parts.push_back(std::move(counts));
    SLUICE_TRY(sorter_->each_held([&](const batch& rows) -> status {
      SLUICE_ASSIGN(auto part, held::rows("rows", rows));
      parts.push_back(std::move(part));
      return {};
    }));
    return parts;
  }
  // Rows with equal keys keep their order, so what is in memory comes behind what is on disk.
  [[nodiscard]] bool has_spilled() const override { return !ended_ && sorter_->spilled(); }
  status hand_out(key_groups of, const part_taker& take) override {
    if (!of.contains(0)) return {};
    SLUICE_ASSIGN(const auto counts, held::numbers("counts", {static_cast<std::int64_t>(taken_)}));
    SLUICE_TRY(take(counts));
    const auto add = [&](const batch& rows) -> status {
      SLUICE_ASSIGN(const auto part, held::rows("rows", rows));
      return take(part);
    };
    SLUICE_TRY(sorter_->each_on_disk(add));
    return sorter_->each_held(add);
  }
  status take_in(const state_part& part) override { return restore({part}); }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) {
      if (part.name == "counts") {
        SLUICE_ASSIGN(const auto counts, held::numbers_of(part, 1));
        taken_ += static_cast<std::uint64_t>(counts[0]);
        continue;
      }
      SLUICE_ASSIGN(auto rows, held::rows_of(part));
      if (!rows.data->schema()->Equals(*stored_, false)) return held::foreign(part.name);
      rows.data = arrow::RecordBatch::Make(stored_, rows.rows(), rows.data->columns());
      SLUICE_TRY(sorter_->add(std::move(rows)));
      for (bool more = true; more;) {
        SLUICE_ASSIGN(more, sorter_->work());
      }
    }
    return {};
  }

  status process(int, batch in, emitter& out) override {
    if (in.rows() == 0) return {};
    std::vector<std::shared_ptr<arrow::Array>> values;
    row_errors errors;
    for (const auto& key : keys_) {
      if (key.value->as_column()) continue;
      SLUICE_ASSIGN(auto value, evaluate(key, in, errors));
      values.push_back(std::move(value));
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, out));
    in = keep_rows(in, settled);
    auto columns = in.data->columns();
    for (const auto& value : values) columns.push_back(keep_rows(value, settled));
    taken_ += static_cast<std::uint64_t>(in.rows());
    return sorter_->add(in.with(arrow::RecordBatch::Make(stored_, in.rows(), std::move(columns))));
  }

  status finish(int, emitter&) override {
    finished_ = true;
    return sorter_->finish();
  }

  result<bool> resume(emitter& out) override {
    SLUICE_ASSIGN(const bool more, sorter_->work());
    if (more || !finished_ || ended_) return more;
    SLUICE_ASSIGN(auto rows, sorter_->next());
    if (!rows.data) {
      ended_ = true;
      out.count_filtered(taken_ - given_);
      return false;
    }
    given_ += static_cast<std::uint64_t>(rows.rows());
    if (stored_->num_fields() > schema()->num_fields()) {
      auto columns = rows.data->columns();
      columns.resize(static_cast<std::size_t>(schema()->num_fields()));
      rows.data = arrow::RecordBatch::Make(schema(), rows.rows(), std::move(columns));
    }
    out.emit(0, std::move(rows));
    return true;
  }

 private:
  std::vector<sort_key> keys_;
  std::shared_ptr<arrow::Schema> stored_;  ///< the input's columns, then keys that are computed
  std::unique_ptr<external_sort> sorter_;
  std::uint64_t taken_ = 0,
                given_ = 0;  ///< rows; fewer are given where only the first are wanted
  bool finished_ = false;
  bool ended_ = false;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "sort", 1, faults)) return nullptr;
  const auto before = faults.size();
  auto keys = bind_sort_keys(request, request.own, "/sort", faults);
  if (request.own.empty() && faults.size() == before) {
    auto fault = user_error("invalid_option", "sort has no keys", "sort: [\"revenue desc\", name]");
    fault.path = "/sort";
    faults.push_back(std::move(fault));
  }
  if (faults.size() > before || keys.empty() || has_unknown_columns(request))
    return make_stand_in(request.inputs.front().schema);
  return std::make_unique<sort>(request, std::move(keys));
}

}  // namespace

const component& sort_transform() {
  static const component self{
      .spec = {.name = "sort",
               .kind = component_kind::transform,
               .summary = "Sorts rows",
               .description =
                   "Each entry is a column or an expression, optionally followed by `asc` (the default) or `desc`, and "
                   "by `nulls first` or `nulls last` (default: last for asc, first for desc). Text is compared byte by "
                   "byte; NaN is greater than every number. Rows with equal keys keep their order. Rows that do not "
                   "fit into `run.memory` are sorted on disk, with the same result. A sort followed by a `limit` (in "
                   "`steps`) keeps only the rows that the limit needs.",
               .value = {.form = shape::list,
                         .help = "sort keys, the most important first",
                         .required = true,
                         .elements = {{.form = shape::text,
                                       .help = "column or expression [asc | "
                                               "desc] [nulls first | last]"}}},
               .law = "in = out + filtered + rejected (filtered: rows beyond a `limit` that follows in `steps`)",
               .example = R"yaml(version: 1
pipeline: highest-airports
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  highest:
    from: airports
    steps:
      - sort: [alt desc, faa]
      - limit: 5
load:
  show:
    from: highest
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
