#include "engine/flow/key_hash.hpp"
#include "engine/memory/manager.hpp"
#include "engine/transforms/binding.hpp"
#include "engine/transforms/group_index.hpp"
#include "engine/transforms/group_places.hpp"
#include "engine/transforms/picked_rows.hpp"
#include "engine/transforms/row_policy.hpp"
#include "engine/transforms/sort_keys.hpp"
#include "engine/transforms/unknown_positions.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <utility>

namespace sluice {

namespace {

// What both kinds share: the keys and their numbers.
class deduplicate : public single_output {
 public:
  deduplicate(const transform_request& request, std::vector<int> by)
      : single_output(request, request.inputs.front().schema),
        by_(std::move(by)),
        memory_(request.context->memory, request.unit) {}

  [[nodiscard]] partitioning input_partitioning(int) const override {
    partitioning how{.how = partitioning::kind::by_keys};
    for (const int key : by_) {
      how.keys.push_back(schema()->field(key)->name());
      how.key_types.push_back(canonical_key_type(schema()->field(key)->type()));
    }
    return how;
  }
  [[nodiscard]] bool needs_order() const override { return true; }

 protected:
  // The number of each row's key.
  result<const std::uint32_t*> number(const batch& in) {
    if (!index_) {
      std::vector<std::shared_ptr<arrow::DataType>> types;
      for (const int key : by_) types.push_back(canonical_key_type(schema()->field(key)->type()));
      SLUICE_ASSIGN(index_, group_index::make(types));
    }
    std::vector<std::shared_ptr<arrow::Array>> keys;
    for (const int key : by_) {
      SLUICE_ASSIGN(auto column, canonical_key(in.data->column(key)));
      keys.push_back(std::move(column));
    }
    return index_->add(keys, in.rows());
  }
  [[nodiscard]] std::uint32_t known() const { return index_ ? index_->size() : 0; }
  status reserve(std::int64_t more) { return memory_.resize(index_->bytes() + more); }
  [[nodiscard]] const std::vector<int>& by() const { return by_; }

 private:
  std::vector<int> by_;
  memory::reservation memory_;
  std::unique_ptr<group_index> index_;
};

// Keeps the first row of each key as soon as it comes.
class keep_first final : public deduplicate {
 public:
  using deduplicate::deduplicate;

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema());
    columns.add(by());
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    const auto before = known();
    SLUICE_ASSIGN(const auto* keys, number(in));
    is_new_.assign(known() - before, 1);
    kept_.clear();
    for (std::int64_t row = 0; row < in.rows(); ++row) {
      if (keys[row] < before || !is_new_[keys[row] - before]) continue;
      is_new_[keys[row] - before] = 0;
      kept_.push_back(static_cast<std::int32_t>(row));
    }
    const auto count = static_cast<std::int64_t>(kept_.size());
    if (count < in.rows()) {
      out.count_merged(static_cast<std::uint64_t>(in.rows() - count));
      in = count == 0 ? in.slice(0, 0) : take_rows(in, arrow::Int32Array(count, arrow::Buffer::Wrap(kept_)));
    }
    out.emit(0, std::move(in));
    return reserve(0);
  }

 private:
  std::vector<std::uint8_t> is_new_;
  std::vector<std::int32_t> kept_;
};

// Keeps the row of each key that comes first by `order`; of equal ones the earlier.
class keep_best final : public deduplicate {
 public:
  keep_best(const transform_request& request, std::vector<int> by, std::vector<sort_key> order)
      : deduplicate(request, std::move(by)),
        order_(std::move(order)),
        stored_(schema()->AddField(schema()->num_fields(), arrow::field("position", arrow::uint64())).ValueOrDie()),
        rows_(stored_) {}

  [[nodiscard]] bool keeps_order() const override { return false; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema());
    columns.add(by());
    for (const auto& key : order_) columns.add(key.value->columns());
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    if (in.rows() == 0) return {};
    std::vector<std::shared_ptr<arrow::Array>> values;
    row_errors errors;
    for (const auto& key : order_) {
      SLUICE_ASSIGN(auto value, key.value->evaluate(in));
      append_errors(errors, std::move(value.errors), key.text);
      values.push_back(std::move(value.values));
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, unit_, out));
    in = keep_rows(in, settled);
    for (auto& value : values) value = keep_rows(value, settled);
    if (in.rows() == 0) return {};
    SLUICE_TRY(encoded_.encode(order_, std::move(values), in.rows()));
    return choose(in, out);
  }

  status finish(int, emitter&) override {
    places_.start(batches_);
    finished_ = true;
    return {};
  }

  result<bool> resume(emitter& out) override {
    if (!finished_) return false;
    const auto groups = places_.next(target_batch_rows);
    if (groups.empty()) return false;
    SLUICE_ASSIGN(const auto rows, rows_.take(groups));
    batch made;
    auto columns = rows->columns();
    if (positions_) made.positions = std::static_pointer_cast<arrow::UInt64Array>(columns.back());
    columns.pop_back();
    made.data = arrow::RecordBatch::Make(schema(), rows->num_rows(), std::move(columns));
    out.emit(0, std::move(made));
    return true;
  }

 private:
  status choose(const batch& in, emitter& out) {
    const auto before = known();
    SLUICE_ASSIGN(const auto* groups, number(in));
    const auto batch_number = batches_.add(in.order);
    best_.resize(known());
    winners_.resize(known(), -1);
    chosen_.clear();
    for (std::int64_t row = 0; row < in.rows(); ++row) {
      const auto group = groups[row];
      const auto key = encoded_[row];
      const bool is_first = group >= before && winners_[group] < 0;
      if (!is_first && key >= std::string_view(best_[group])) continue;
      best_bytes_ += static_cast<std::int64_t>(key.size()) - static_cast<std::int64_t>(best_[group].size());
      best_[group] = key;
      if (winners_[group] < 0) chosen_.push_back(group);
      winners_[group] = static_cast<std::int32_t>(row);
      places_.put(group, batch_number, static_cast<std::uint32_t>(row));
    }
    rows_chosen_.clear();
    for (const auto group : chosen_) rows_chosen_.push_back(std::exchange(winners_[group], -1));
    positions_ = positions_ || in.positions != nullptr;
    auto columns = in.data->columns();
    columns.push_back(in.positions ? in.positions : unknown_positions(in.rows()));
    SLUICE_TRY(
        rows_.put(*arrow::RecordBatch::Make(stored_, in.rows(), std::move(columns)), chosen_, rows_chosen_, known()));
    out.count_merged(static_cast<std::uint64_t>(in.rows()) - (known() - before));
    return reserve(rows_.bytes() + places_.bytes() + best_bytes_ +
                   static_cast<std::int64_t>(best_.capacity() * sizeof(std::string) + winners_.capacity() * 4));
  }

  std::vector<sort_key> order_;
  std::shared_ptr<arrow::Schema> stored_;  ///< the columns and the position
  picked_rows rows_;
  encoded_keys encoded_;
  arrivals batches_;
  group_places places_;            ///< of the rows kept
  std::vector<std::string> best_;  ///< encoded order of the row kept, by group
  std::int64_t best_bytes_ = 0;
  std::vector<std::int32_t> winners_;  ///< row of the present batch that is kept, by group; -1: none
  std::vector<std::uint32_t> chosen_;
  std::vector<std::int32_t> rows_chosen_;
  bool positions_ = false;
  bool finished_ = false;
};

// Columns of `by`; all of them where nothing is named.
std::vector<int> key_columns(const transform_request& request, const options& by, const std::string& path,
                             diagnostics& faults) {
  std::vector<int> columns;
  const auto& schema = *request.inputs.front().schema;
  if (by.empty()) {
    for (int column = 0; column < schema.num_fields(); ++column) columns.push_back(column);
  }
  for (std::size_t i = 0; i < by.size(); ++i)
    if (const auto column = find_column(request, 0, by[i].get<std::string>(), path + "/" + std::to_string(i), faults))
      columns.push_back(*column);
  for (const int column : columns) {
    auto checked = flow::check_key_type(*schema.field(column)->type(), schema.field(column)->name());
    if (checked.ok()) continue;
    auto fault = checked.problem();
    fault.path = path;
    faults.push_back(std::move(fault));
  }
  return columns;
}

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "deduplicate", 1, faults)) return nullptr;
  const auto before = faults.size();
  auto by = request.own.is_array() ? request.own : options::array();
  auto order = options::array();
  if (request.own.is_object()) {
    by = request.own.value("by", options::array());
    order = request.own.value("order", options::array());
  }
  auto columns = key_columns(request, by, request.own.is_array() ? "/deduplicate" : "/deduplicate/by", faults);
  std::vector<sort_key> keys;
  if (!order.empty()) keys = bind_sort_keys(request, order, "/deduplicate/order", faults);
  if (faults.size() > before) return nullptr;
  if (keys.empty()) return std::make_unique<keep_first>(request, std::move(columns));
  return std::make_unique<keep_best>(request, std::move(columns), std::move(keys));
}

}  // namespace

const component& deduplicate_transform() {
  static const field_spec column{.form = shape::column, .help = "a column"};
  static const component self{
      .spec = {.name = "deduplicate",
               .kind = component_kind::transform,
               .summary = "Keeps one row of those with equal keys.",
               .description = "Without `order` the first row in the order of the input is kept, as soon as it comes. "
                              "With `order` it is the row that "
                              "such a sort would put first, once all rows are there; kept rows stay in the order of "
                              "the input. Without `by` rows are "
                              "compared in all columns. Null is a value like any other.",
               .value = {.form = shape::one_of,
                         .help = "keys, and which row to keep",
                         .elements = {{.form = shape::object,
                                       .help = "keys, and which row to keep",
                                       .elements = {{.name = "by",
                                                     .form = shape::list,
                                                     .help = "key columns; none: all columns",
                                                     .elements = {column}},
                                                    {.name = "order",
                                                     .form = shape::list,
                                                     .help = "the row that sorts first is kept",
                                                     .elements = {{.form = shape::text, .help = "as in sort"}}}}},
                                      {.form = shape::list, .help = "key columns", .elements = {column}},
                                      {.form = shape::boolean, .help = "true: all columns"}}},
               .law = "in = out + merged + rejected",
               .example = R"yaml(version: 1
pipeline: highest-airport-of-each-zone
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  highest:
    from: airports
    deduplicate: { by: [tzone], order: [alt desc] }
load:
  show:
    from: highest
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
