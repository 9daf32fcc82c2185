#include "engine/flow/key_hash.hpp"
#include "engine/memory/manager.hpp"
#include "engine/transforms/aggregates/call_state.hpp"
#include "engine/transforms/binding.hpp"
#include "engine/transforms/group_places.hpp"
#include "engine/transforms/row_policy.hpp"
#include "engine/transforms/unknown_positions.hpp"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <map>

namespace sluice {

namespace {

using aggregates::call_state;

// What the options say, bound.
struct aggregation {
  struct call {
    expression::aggregate_call what;
    int argument = -1;  ///< index in inputs; -1: none
    int filter = -1;
    int state = 0;  ///< index in states
  };
  struct output {
    std::string name;
    std::vector<int> calls;
    expression::bound_ptr final = nullptr;
    std::shared_ptr<arrow::Schema> final_schema = nullptr;  ///< keys, then the calls' results
  };
  struct input {
    expression::bound_ptr value;
    std::string column;  ///< named in errors
  };

  std::vector<int> keys;
  std::vector<input> inputs;  ///< each expression once, however many calls read it
  std::vector<call> calls;
  std::vector<int> states;  ///< a call that each state is made for; others of its family read it too
  std::vector<output> outputs;

  int add_input(const expression::bound_ptr& value, const std::string& column) {
    if (!value) return -1;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].value->to_string() == value->to_string()) return static_cast<int>(i);
    inputs.push_back({value, column});
    return static_cast<int>(inputs.size()) - 1;
  }

  int add_call(expression::aggregate_call what, const std::string& column) {
    const int argument = add_input(what.argument, column);
    const int filter = add_input(what.filter, column);
    call added{
        .what = std::move(what), .argument = argument, .filter = filter, .state = static_cast<int>(states.size())};
    for (std::size_t i = 0; i < states.size(); ++i)
      if (same_state(calls[states[i]], added)) added.state = static_cast<int>(i);
    calls.push_back(std::move(added));
    const auto number = static_cast<int>(calls.size()) - 1;
    if (calls.back().state == static_cast<int>(states.size())) states.push_back(number);
    return number;
  }

  static bool same_state(const call& a, const call& b) {
    return a.argument == b.argument && a.filter == b.filter && a.what.distinct == b.what.distinct &&
           aggregates::family_of(a.what.function) == aggregates::family_of(b.what.function);
  }
};

class aggregate final : public single_output {
 public:
  aggregate(const transform_request& request, std::shared_ptr<arrow::Schema> schema, aggregation what)
      : single_output(request, std::move(schema)),
        input_(request.inputs.front().schema),
        what_(std::move(what)),
        memory_(request.context->memory, request.unit) {}

  [[nodiscard]] partitioning input_partitioning(int) const override {
    if (what_.keys.empty()) return {.how = partitioning::kind::single};
    partitioning how{.how = partitioning::kind::by_keys};
    for (const int key : what_.keys) {
      how.keys.push_back(input_->field(key)->name());
      how.key_types.push_back(canonical_key_type(input_->field(key)->type()));
    }
    return how;
  }
  [[nodiscard]] bool keeps_order() const override { return false; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>&) const override {
    column_set columns(input_);
    columns.add(what_.keys);
    for (const auto& one : what_.inputs) columns.add(one.value->columns());
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    positions_ = positions_ || in.positions != nullptr;
    if (in.rows() == 0) return {};
    SLUICE_TRY(prepare());
    std::vector<std::shared_ptr<arrow::Array>> values;
    row_errors errors;
    for (const auto& input : what_.inputs) {
      SLUICE_ASSIGN(auto value, input.value->evaluate(in));
      append_errors(errors, std::move(value.errors), input.column);
      values.push_back(std::move(value.values));
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, unit_, out));
    in = keep_rows(in, settled);
    for (auto& value : values) value = keep_rows(value, settled);
    if (in.rows() == 0) return {};
    return add(in, values, out);
  }

  status finish(int, emitter& out) override {
    SLUICE_TRY(prepare());
    if (what_.keys.empty() && index_->size() == 0) {
      SLUICE_TRY(add_nothing());
      out.count_added(1);
    }
    SLUICE_ASSIGN(keys_, index_->keys());
    seen_.start(order_);
    finished_ = true;
    return {};
  }

  result<bool> resume(emitter& out) override {
    if (!finished_) return false;
    const auto groups = seen_.next(target_batch_rows);
    if (groups.empty()) return false;
    SLUICE_ASSIGN(auto made, read(groups, out));
    out.emit(0, std::move(made));
    return true;
  }

 private:
  status prepare() {
    if (index_) return {};
    std::vector<std::shared_ptr<arrow::DataType>> types;
    for (const int key : what_.keys) types.push_back(canonical_key_type(input_->field(key)->type()));
    for (const int call : what_.states) {
      SLUICE_ASSIGN(auto state, call_state::make(what_.calls[call].what));
      states_.push_back(std::move(state));
    }
    SLUICE_ASSIGN(index_, group_index::make(types));
    return {};
  }

  status add(const batch& in, const std::vector<std::shared_ptr<arrow::Array>>& values, emitter& out) {
    std::vector<std::shared_ptr<arrow::Array>> keys;
    for (const int key : what_.keys) {
      SLUICE_ASSIGN(auto column, canonical_key(in.data->column(key)));
      keys.push_back(std::move(column));
    }
    const auto known = index_->size();
    const auto number = order_.add(in.order);
    SLUICE_ASSIGN(const auto* groups, index_->add(keys, in.rows()));
    seen_.note_first(groups, in.rows(), index_->size(), order_);
    row_counts_.resize(index_->size());
    for (std::int64_t row = 0; row < in.rows(); ++row) ++row_counts_[groups[row]];
    aggregates::grouped_rows rows{.groups = groups,
                                  .rows = in.rows(),
                                  .group_count = index_->size(),
                                  .batch = number,
                                  .order = &order_,
                                  .row_counts = &row_counts_};
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const auto& call = what_.calls[what_.states[i]];
      rows.values = call.argument < 0 ? nullptr : values[call.argument];
      SLUICE_TRY(states_[i]->add(rows, call.filter < 0 ? nullptr : values[call.filter]));
    }
    out.count_merged(static_cast<std::uint64_t>(in.rows()) - (index_->size() - known));
    return reserve();
  }

  // An aggregate without keys has one row of output, whatever came.
  status add_nothing() {
    const auto number = order_.add({});
    row_counts_.resize(1);
    const std::uint32_t group = 0;
    seen_.note_first(&group, 1, 1, order_);
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const auto& call = what_.calls[what_.states[i]];
      aggregates::grouped_rows rows{
          .groups = &group, .rows = 0, .group_count = 1, .batch = number, .order = &order_, .row_counts = &row_counts_};
      if (call.argument >= 0) {
        SLUICE_ASSIGN_ARROW(rows.values, arrow::MakeEmptyArray(call.what.argument->type()), "aggregate no rows");
      }
      SLUICE_TRY(states_[i]->add(rows, nullptr));
    }
    return {};
  }

  status reserve() {
    auto bytes =
        index_->bytes() + seen_.bytes() + order_.bytes() + static_cast<std::int64_t>(row_counts_.capacity() * 8);
    for (const auto& state : states_) bytes += state->bytes();
    return memory_.resize(bytes);
  }

  result<batch> read(std::span<const std::uint32_t> groups, emitter& out) {
    const auto rows = static_cast<std::int64_t>(groups.size());
    std::vector<std::shared_ptr<arrow::Array>> columns;
    SLUICE_TRY(read_keys(groups, columns));
    std::vector<std::shared_ptr<arrow::Array>> results;
    for (const auto& call : what_.calls) {
      SLUICE_ASSIGN(auto values, states_[call.state]->finish(groups, call.what));
      results.push_back(std::move(values));
    }
    batch made;
    row_errors errors;
    const auto keys = columns;
    for (const auto& output : what_.outputs) {
      if (!output.final) {
        columns.push_back(results[output.calls.front()]);
        continue;
      }
      auto inputs = keys;
      for (const int call : output.calls) inputs.push_back(results[call]);
      made.data = arrow::RecordBatch::Make(output.final_schema, rows, std::move(inputs));
      SLUICE_ASSIGN(auto value, output.final->evaluate(made));
      append_errors(errors, std::move(value.errors), output.name);
      columns.push_back(std::move(value.values));
    }
    made.data = arrow::RecordBatch::Make(schema(), rows, std::move(columns));
    if (positions_) made.positions = unknown_positions(rows);
    SLUICE_ASSIGN(const auto settled, settle_errors(made, std::move(errors), policy_, unit_, out));
    return keep_rows(made, settled);
  }

  status read_keys(std::span<const std::uint32_t> groups, std::vector<std::shared_ptr<arrow::Array>>& columns) {
    const auto rows = static_cast<std::int64_t>(groups.size());
    for (const auto& key : keys_) {
      if (seen_.ascending()) {
        columns.push_back(key->Slice(groups.front(), rows));
        continue;
      }
      const arrow::UInt32Array indices(rows, arrow::Buffer::Wrap(groups.data(), groups.size()));
      SLUICE_ASSIGN_ARROW(auto taken, arrow::compute::Take(*key, indices, arrow::compute::TakeOptions::NoBoundsCheck()),
                          "read the groups' keys");
      columns.push_back(std::move(taken));
    }
    return {};
  }

  std::shared_ptr<arrow::Schema> input_;
  aggregation what_;
  memory::reservation memory_;
  std::unique_ptr<group_index> index_;
  std::vector<std::unique_ptr<call_state>> states_;
  std::vector<std::int64_t> row_counts_;  ///< of each group
  arrivals order_;
  group_places seen_;
  std::vector<std::shared_ptr<arrow::Array>> keys_;
  bool finished_ = false;
  bool positions_ = false;  ///< the input's rows have positions, so those made here get some too
};

// Binds one entry of `compute`.
void bind_output(const transform_request& request, const std::string& name, const options& text,
                 const std::vector<std::string>& keys, const arrow::FieldVector& key_fields, aggregation& what,
                 arrow::FieldVector& fields, diagnostics& faults) {
  const auto path = pointer({"aggregate", "compute", name});
  auto bound = expression::bind_aggregate(expression_text(text), scope_of(request), keys, path, faults);
  if (!bound) return;
  aggregation::output output{.name = name, .calls = {}, .final = bound->final};
  auto final_fields = key_fields;
  for (auto& call : bound->calls) {
    if (auto state = call_state::make(call); !state.ok()) {
      auto fault = state.problem();
      fault.path = path;
      faults.push_back(std::move(fault));
      return;
    }
    final_fields.push_back(arrow::field(call.function, call.type));
    output.calls.push_back(what.add_call(std::move(call), name));
  }
  output.final_schema = arrow::schema(std::move(final_fields));
  fields.push_back(arrow::field(name, bound->type));
  what.outputs.push_back(std::move(output));
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "aggregate", 1, faults)) return nullptr;
  const auto before = faults.size();
  const auto& input = *request.inputs.front().schema;
  aggregation what;
  arrow::FieldVector fields;
  std::vector<std::string> keys;
  const auto by = request.own.value("by", options::array());
  for (std::size_t i = 0; i < by.size(); ++i) {
    const auto path = pointer({"aggregate", "by", std::to_string(i)});
    const auto column = find_column(request, 0, by[i].get<std::string>(), path, faults);
    if (!column) continue;
    const auto type = canonical_key_type(input.field(*column)->type());
    if (auto checked = flow::check_key_type(*type, input.field(*column)->name()); !checked.ok()) {
      auto fault = checked.problem();
      fault.path = path;
      faults.push_back(std::move(fault));
    }
    what.keys.push_back(*column);
    keys.push_back(input.field(*column)->name());
    fields.push_back(arrow::field(keys.back(), type));
  }
  const auto key_fields = fields;
  const auto compute = request.own.value("compute", options::object());
  for (const auto& [name, text] : compute.items())
    bind_output(request, name, text, keys, key_fields, what, fields, faults);
  check_unique(fields, "/aggregate", "give the computed column another name than the key's", faults);
  if (fields.empty() && faults.size() == before) {
    auto fault = user_error("no_columns", "aggregate has neither `by` nor `compute`",
                            "aggregate: { by: [country], compute: { orders: \"count(*)\" } }");
    fault.path = "/aggregate";
    faults.push_back(std::move(fault));
  }
  if (faults.size() > before) return nullptr;
  return std::make_unique<aggregate>(request, arrow::schema(std::move(fields)), std::move(what));
}

}  // namespace

const component& aggregate_transform() {
  static const component self{
      .spec =
          {.name = "aggregate",
           .kind = component_kind::transform,
           .summary = "Brings rows with equal keys together and computes over them.",
           .description =
               "One row for each distinct combination of the `by` columns (null is a value like any other), in the "
               "order "
               "in which they first appear. Without `by` there is exactly one row, also for no input.\n\n"
               "Sums, averages and variances of real and double are computed exactly and rounded once, so that they "
               "are the same "
               "bits for any order of rows, parallelism and number of nodes. A sum that does not fit its type is the "
               "error numeric_overflow.",
           .value = {.form = shape::object,
                     .help = "keys and what to compute",
                     .required = true,
                     .elements = {{.name = "by",
                                   .form = shape::list,
                                   .help = "columns to group by; none: all rows are one group",
                                   .elements = {{.form = shape::column, .help = "a column"}}},
                                  {.name = "compute",
                                   .form = shape::map,
                                   .help = "column: expression over aggregates",
                                   .elements = {{.form = shape::expression, .help = "sum(net), count(*), ..."}}}}},
           .law = "in + added = out + merged + rejected (merged: a row that joins a group that is there; added: the "
                  "one row of an "
                  "aggregate without keys over no rows)",
           .example = R"yaml(version: 1
pipeline: airports-by-zone
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  zones:
    from: airports
    aggregate:
      by: [tzone]
      compute: { airports: "count(*)", highest: "max(alt)", mean: "round(avg(alt), 1)" }
load:
  show:
    from: zones
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
