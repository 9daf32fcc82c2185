#include "engine/memory/manager.hpp"
#include "engine/transforms/binding.hpp"
#include "engine/transforms/row_policy.hpp"
#include "engine/transforms/sort_keys.hpp"
#include "engine/transforms/sorted_runs.hpp"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/record_batch.h>

#include <optional>

namespace sluice {

namespace {

class sort final : public single_output {
 public:
  sort(const transform_request& request, std::vector<sort_key> keys)
      : single_output(request, request.inputs.front().schema),
        keys_(std::move(keys)),
        memory_(request.context->memory, request.unit) {}

  [[nodiscard]] partitioning input_partitioning(int) const override { return {.how = partitioning::kind::single}; }
  [[nodiscard]] bool needs_order() const override { return true; }
  [[nodiscard]] bool keeps_order() const override { return false; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema());
    for (const auto& key : keys_) columns.add(key.value->columns());
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    if (in.rows() == 0) return {};
    std::vector<std::shared_ptr<arrow::Array>> values;
    row_errors errors;
    for (const auto& key : keys_) {
      SLUICE_ASSIGN(auto value, key.value->evaluate(in));
      append_errors(errors, std::move(value.errors), key.text);
      values.push_back(std::move(value.values));
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, unit_, out));
    for (auto& value : values) value = keep_rows(value, settled);
    return take_in({keep_rows(in, settled), std::move(values)});
  }

  status finish(int, emitter&) override {
    SLUICE_TRY(close_run());
    merger_.emplace(std::move(runs_));
    return {};
  }

  result<bool> resume(emitter& out) override {
    if (!merger_) return false;
    SLUICE_ASSIGN(auto rows, merger_->next(target_batch_rows));
    if (!rows.data) {
      merger_.reset();
      return false;
    }
    out.emit(0, std::move(rows));
    return true;
  }

 private:
  struct part {
    batch rows;
    std::vector<std::shared_ptr<arrow::Array>> keys;
  };

  // Small batches are put together to runs of a fair size, so that merging compares few.
  status take_in(part in) {
    pending_rows_ += in.rows.rows();
    pending_bytes_ += in.rows.bytes();
    pending_.push_back(std::move(in));
    if (pending_rows_ >= target_batch_rows) return close_run();
    return memory_.resize(run_bytes_ + pending_bytes_);
  }

  status close_run() {
    if (pending_rows_ == 0) return {};
    SLUICE_ASSIGN(auto whole, put_together());
    SLUICE_TRY(encoded_.encode(keys_, std::move(whole.keys), whole.rows.rows()));
    SLUICE_ASSIGN(auto run, sorted_run::make(whole.rows, encoded_));
    run_bytes_ += run.bytes();
    runs_.push_back(std::move(run));
    pending_.clear();
    pending_rows_ = pending_bytes_ = 0;
    return memory_.resize(run_bytes_);
  }

  result<part> put_together() {
    if (pending_.size() == 1) return std::move(pending_.front());
    part whole;
    std::vector<std::shared_ptr<arrow::RecordBatch>> data;
    arrow::ArrayVector positions;
    for (const auto& one : pending_) {
      data.push_back(one.rows.data);
      if (one.rows.positions) positions.push_back(one.rows.positions);
    }
    SLUICE_ASSIGN_ARROW(whole.rows.data, arrow::ConcatenateRecordBatches(data), "collect rows to sort");
    if (positions.size() == data.size()) {
      SLUICE_ASSIGN_ARROW(const auto joined, arrow::Concatenate(positions), "collect rows to sort");
      whole.rows.positions = std::static_pointer_cast<arrow::UInt64Array>(joined);
    }
    for (std::size_t key = 0; key < keys_.size(); ++key) {
      arrow::ArrayVector columns;
      for (const auto& one : pending_) columns.push_back(one.keys[key]);
      SLUICE_ASSIGN_ARROW(auto joined, arrow::Concatenate(columns), "collect rows to sort");
      whole.keys.push_back(std::move(joined));
    }
    return whole;
  }

  std::vector<sort_key> keys_;
  memory::reservation memory_;
  encoded_keys encoded_;
  std::vector<part> pending_;
  std::int64_t pending_rows_ = 0, pending_bytes_ = 0;
  std::vector<sorted_run> runs_;
  std::int64_t run_bytes_ = 0;
  std::optional<run_merger> merger_;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "sort", 1, faults)) return nullptr;
  const auto before = faults.size();
  auto keys = bind_sort_keys(request, request.own, "/sort", faults);
  if (keys.empty() && faults.size() == before) {
    auto fault = user_error("invalid_option", "sort names nothing to sort by", "sort: [\"revenue desc\", name]");
    fault.path = "/sort";
    faults.push_back(std::move(fault));
  }
  if (faults.size() > before) return nullptr;
  return std::make_unique<sort>(request, std::move(keys));
}

}  // namespace

const component& sort_transform() {
  static const component self{
      .spec =
          {.name = "sort",
           .kind = component_kind::transform,
           .summary = "Puts rows in order.",
           .description =
               "An entry is a column or an expression, then `asc` (the default) or `desc`, then `nulls first` or "
               "`nulls last` "
               "(the default: nulls last, with desc first). Text is compared byte by byte, NaN is greater than every "
               "number. Rows with equal keys keep their order.",
           .value = {.form = shape::list,
                     .help = "what to sort by, the most important first",
                     .required = true,
                     .elements = {{.form = shape::text,
                                   .help = "column or expression [asc | desc] [nulls first | last]"}}},
           .law = "in = out + rejected",
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
