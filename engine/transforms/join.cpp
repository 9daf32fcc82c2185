#include "engine/memory/manager.hpp"
#include "engine/transforms/binding.hpp"
#include "engine/transforms/common_type.hpp"
#include "engine/transforms/joins/build_side.hpp"
#include "engine/transforms/joins/join_keys.hpp"
#include "engine/transforms/row_policy.hpp"
#include "engine/wants_last.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <deque>
#include <numeric>

namespace sluice {

namespace {

using joins::build_side;
using joins::key_pair;

struct plan_of_join {
  bool keep_unmatched = false;  ///< how: left
  std::vector<key_pair> keys;
  std::vector<int> right_columns;  ///< of the right input, that go into the output
  std::shared_ptr<arrow::Schema> schema;
};

class join final : public single_output, public wants_last {
 public:
  join(const transform_request& request, plan_of_join what)
      : single_output(request, what.schema), what_(std::move(what)), memory_(request.context->memory, request.unit) {
    for (const auto& input : request.inputs) inputs_.push_back(input.schema);
  }

  [[nodiscard]] int last_input() const override { return 0; }
  [[nodiscard]] partitioning input_partitioning(int input) const override {
    partitioning how{.how = partitioning::kind::by_keys};
    for (const auto& key : what_.keys) {
      const auto column = (input == 0 ? key.left : key.right)->as_column();
      if (!column) return {.how = partitioning::kind::single};
      how.keys.push_back(inputs_[input]->field(*column)->name());
      how.key_types.push_back(key.type);
    }
    // Both inputs are spread, or none.
    for (const auto& key : what_.keys)
      if (!(input == 0 ? key.right : key.left)->as_column()) return {.how = partitioning::kind::single};
    return how;
  }

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int input, const std::vector<std::string>& wanted) const override {
    column_set columns(inputs_[input]);
    for (const auto& key : what_.keys) columns.add((input == 0 ? key.left : key.right)->columns());
    for (const auto& name : wanted) {
      if (input == 0) {
        columns.add_name(name);
        continue;
      }
      for (const int column : what_.right_columns)
        if (inputs_[1]->field(column)->name() == name) columns.add(column);
    }
    return columns.names();
  }

  status process(int input, batch in, emitter& out) override {
    if (in.rows() == 0) return {};
    SLUICE_ASSIGN(auto keyed, evaluate_keys(input, std::move(in), out));
    if (input == 0) {
      waiting_bytes_ += keyed.rows.bytes();
      waiting_.push_back(std::move(keyed));
    } else {
      SLUICE_TRY(add_to_build(keyed, out));
    }
    return reserve();
  }

  status finish(int input, emitter&) override {
    if (input == 0) return {};
    SLUICE_TRY(make_build());
    build_ended_ = true;
    return {};
  }

  // One piece of work a call: a step of preparing the build side, or at most a batch of output.
  result<bool> resume(emitter& out) override {
    if (!build_ended_) return false;
    if (!prepared_) {
      SLUICE_ASSIGN(const bool more, build_->prepare());
      prepared_ = !more;
      SLUICE_TRY(reserve());
      return true;
    }
    if (waiting_.empty()) return false;
    if (probe_row_ == 0 && probe_match_ == 0) {
      SLUICE_ASSIGN(found_, build_->find(waiting_.front().keys, waiting_.front().rows.rows()));
    }
    SLUICE_TRY(probe(waiting_.front(), out));
    if (probe_row_ == waiting_.front().rows.rows()) {
      waiting_bytes_ -= waiting_.front().rows.bytes();
      waiting_.pop_front();
      probe_row_ = 0;
      SLUICE_TRY(reserve());
    }
    return true;
  }

 private:
  struct keyed_rows {
    batch rows;
    std::vector<std::shared_ptr<arrow::Array>> keys;  ///< in the common types
    std::vector<bool> has_null;                       ///< rows with a null in their key; empty: none
  };

  status make_build() {
    if (build_) return {};
    arrow::FieldVector fields;
    for (const int column : what_.right_columns) fields.push_back(inputs_[1]->field(column));
    std::vector<std::shared_ptr<arrow::DataType>> types;
    for (const auto& key : what_.keys) types.push_back(key.type);
    SLUICE_ASSIGN(build_, build_side::make(arrow::schema(std::move(fields)), types));
    return {};
  }

  result<keyed_rows> evaluate_keys(int input, batch in, emitter& out) {
    keyed_rows keyed;
    row_errors errors;
    for (const auto& key : what_.keys) {
      const auto& side = input == 0 ? key.left : key.right;
      if (const auto column = side->as_column()) {
        keyed.keys.push_back(in.data->column(*column));
        continue;
      }
      SLUICE_ASSIGN(auto value, side->evaluate(in));
      append_errors(errors, std::move(value.errors), side->to_string());
      keyed.keys.push_back(std::move(value.values));
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, unit_, out));
    keyed.rows = keep_rows(in, settled);
    for (std::size_t i = 0; i < keyed.keys.size(); ++i) {
      SLUICE_ASSIGN(auto canonical, canonical_key(keep_rows(keyed.keys[i], settled)));
      SLUICE_ASSIGN(auto widened, widen(canonical, what_.keys[i].type));
      SLUICE_ASSIGN(keyed.keys[i], canonical_key(std::move(widened)));
      note_nulls(*keyed.keys[i], keyed.has_null);
    }
    return keyed;
  }

  static void note_nulls(const arrow::Array& key, std::vector<bool>& has_null) {
    if (key.null_count() == 0) return;
    has_null.resize(static_cast<std::size_t>(key.length()));
    for (std::int64_t row = 0; row < key.length(); ++row)
      if (key.IsNull(row)) has_null[static_cast<std::size_t>(row)] = true;
  }

  status add_to_build(const keyed_rows& keyed, emitter& out) {
    SLUICE_TRY(make_build());
    std::vector<std::shared_ptr<arrow::Array>> columns;
    arrow::FieldVector fields;
    for (const int column : what_.right_columns) {
      columns.push_back(keyed.rows.data->column(column));
      fields.push_back(inputs_[1]->field(column));
    }
    out.count_merged(static_cast<std::uint64_t>(keyed.rows.rows()));
    return build_->add(
        *arrow::RecordBatch::Make(arrow::schema(std::move(fields)), keyed.rows.rows(), std::move(columns)), keyed.keys,
        keyed.has_null);
  }

  // Emits the next rows of the probe batch, from where the last call stopped.
  status probe(const keyed_rows& in, emitter& out) {
    left_.clear();
    right_.clear();
    std::uint64_t filtered = 0, added = 0;
    std::int64_t unmatched = 0;
    const auto rows = in.rows.rows();
    for (; probe_row_ < rows && static_cast<std::int64_t>(left_.size()) < target_batch_rows; ++probe_row_) {
      const auto row = static_cast<std::int32_t>(probe_row_);
      const auto key = found_[row];
      if (key == group_index::missing || (!in.has_null.empty() && in.has_null[static_cast<std::size_t>(row)])) {
        if (!what_.keep_unmatched) {
          ++filtered;
          continue;
        }
        left_.push_back(row);
        right_.push_back(-1);
        ++unmatched;
        continue;
      }
      const auto matches = build_->rows_of(key);
      const auto room = static_cast<std::size_t>(target_batch_rows) - left_.size();
      const auto count = std::min(matches.size() - probe_match_, room);
      left_.insert(left_.end(), count, row);
      right_.insert(right_.end(), matches.begin() + static_cast<std::ptrdiff_t>(probe_match_),
                    matches.begin() + static_cast<std::ptrdiff_t>(probe_match_ + count));
      added += probe_match_ == 0 ? count - 1 : count;
      probe_match_ += count;
      if (probe_match_ < matches.size()) break;
      probe_match_ = 0;
    }
    if (filtered > 0) out.count_filtered(filtered);
    if (added > 0) out.count_added(added);
    if (left_.empty()) return {};
    SLUICE_ASSIGN(auto made, gather(in.rows, unmatched));
    out.emit(0, std::move(made));
    return {};
  }

  // The output of left_ and right_. Where every row of the probe matches once, its columns are shared.
  result<batch> gather(const batch& probe, std::int64_t unmatched) {
    const auto count = static_cast<std::int64_t>(left_.size());
    bool as_it_is = true;
    for (std::int64_t i = 0; as_it_is && i < count; ++i) as_it_is = left_[i] == left_[0] + i;
    const auto left = as_it_is ? probe.slice(left_.front(), count)
                               : take_rows(probe, arrow::Int32Array(count, arrow::Buffer::Wrap(left_)));
    std::shared_ptr<arrow::Buffer> valid;
    if (unmatched > 0) {
      SLUICE_ASSIGN_ARROW(valid, arrow::AllocateEmptyBitmap(count), "join rows");
      for (std::int64_t i = 0; i < count; ++i)
        if (right_[i] >= 0) valid->mutable_data()[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
    }
    const arrow::Int64Array right(count, arrow::Buffer::Wrap(right_), valid, unmatched);
    SLUICE_ASSIGN(const auto taken, build_->take(right));
    auto columns = left.data->columns();
    columns.insert(columns.end(), taken.begin(), taken.end());
    return made_from(left, std::move(columns));
  }

  status reserve() { return memory_.resize(waiting_bytes_ + (build_ ? build_->bytes() : 0)); }

  std::vector<std::shared_ptr<arrow::Schema>> inputs_;
  plan_of_join what_;
  memory::reservation memory_;
  std::unique_ptr<build_side> build_;
  bool build_ended_ = false;
  bool prepared_ = false;
  std::deque<keyed_rows> waiting_;  ///< of input 0, in the order of arrival
  std::int64_t waiting_bytes_ = 0;
  const std::uint32_t* found_ = nullptr;  ///< keys of the rows of waiting_.front()
  std::int64_t probe_row_ = 0;            ///< next row of waiting_.front()
  std::size_t probe_match_ = 0;           ///< next match of that row
  std::vector<std::int32_t> left_;
  std::vector<std::int64_t> right_;
};

void check_names(const transform_request& request, const plan_of_join& what, diagnostics& faults) {
  const auto& left = request.inputs[0];
  const auto& right = request.inputs[1];
  for (const int column : what.right_columns) {
    const auto& name = right.schema->field(column)->name();
    if (left.schema->GetFieldIndex(name) < 0) continue;
    auto fault = user_error("duplicate_column", "column " + name + " is in both " + left.unit + " and " + right.unit,
                            "rename or drop it in one of them first: { from: " + right.unit + ", rename: { " + name +
                                ": " + right.unit + "_" + name + " } }");
    fault.path = "/join";
    faults.push_back(std::move(fault));
  }
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "join", 2, faults)) return nullptr;
  const auto before = faults.size();
  plan_of_join what;
  const auto how = request.own.value("how", std::string("inner"));
  what.keep_unmatched = how == "left";
  if (how != "inner" && how != "left") {
    auto fault =
        user_error("not_supported_yet", "join: { how: " + how + " } is not supported yet", "use inner or left");
    fault.path = "/join/how";
    faults.push_back(std::move(fault));
  }
  what.keys = joins::bind_keys(request, faults);
  if (faults.size() > before) return nullptr;

  std::vector<bool> shown_left(request.inputs[1].schema->num_fields());
  for (const auto& key : what.keys)
    if (key.same_name) shown_left[*key.right->as_column()] = true;
  auto fields = request.inputs[0].schema->fields();
  for (int column = 0; column < request.inputs[1].schema->num_fields(); ++column) {
    if (shown_left[column]) continue;
    what.right_columns.push_back(column);
    fields.push_back(request.inputs[1].schema->field(column)->WithNullable(true));
  }
  what.schema = arrow::schema(std::move(fields));
  check_names(request, what, faults);
  if (faults.size() > before) return nullptr;
  return std::make_unique<join>(request, std::move(what));
}

}  // namespace

const component& join_transform() {
  static const component self{
      .spec = {.name = "join",
               .kind = component_kind::transform,
               .summary = "Brings two inputs together where their keys are equal.",
               .description =
                   "`from: [left, right]`. The right input is read whole and kept in memory; the left one streams through it and keeps "
                   "its order. `using` names key columns that both have, and the output has them once; `on` is one or more "
                   "equalities put together by `and`. Null never equals anything. Keys of different types are compared in their "
                   "common type. Other columns may not have the same name on both sides.",
               .value = {.form = shape::object,
                         .help = "kind and keys",
                         .required = true,
                         .elements = {{.name = "how",
                                       .form = shape::text,
                                       .help = "inner: only rows with a match; left: rows of the left input without one, too, with nulls",
                                       .default_value = "inner",
                                       .choices = {"inner", "left", "right", "full", "semi", "anti", "cross"}},
                                      {.name = "using",
                                       .form = shape::list,
                                       .help = "key columns, of the same name in both inputs",
                                       .elements = {{.form = shape::column, .help = "a key column"}}},
                                      {.name = "on",
                                       .form = shape::expression,
                                       .help = "\"left.a = right.b and left.c = right.d\""}}},
               .law = "in + added = out + filtered + merged + rejected (merged: every row of the right input; filtered: rows of the left "
                      "without a match in an inner join; added: matches of a row beyond its first)",
               .example = R"yaml(version: 1
pipeline: named-flights
rejects: { allow: 10 }
extract:
  flights:
    csv: { path: examples/data/flights_2013_01.csv, null_values: ["", NA] }
    columns: [carrier, flight, dest]
    types: { carrier: text, flight: integer, dest: text }
  airlines:
    csv: { path: examples/data/airlines.csv }
transform:
  named:
    from: [flights, airlines]
    join: { how: left, using: [carrier] }
  first:
    from: named
    limit: 5
load:
  show:
    from: first
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
