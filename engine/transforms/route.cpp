#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/row_policy.hpp"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice {

namespace {

class route final : public transform {
 public:
  route(const transform_request& request, std::vector<std::string> ports, std::vector<expression::bound_ptr> conditions)
      : unit_(request.unit),
        policy_(request.policy),
        schema_(request.inputs.front().schema),
        conditions_(std::move(conditions)) {
    for (auto& port : ports) outputs_.push_back({.name = std::move(port), .schema = schema_});
    rows_.resize(outputs_.size());
  }

  [[nodiscard]] const std::vector<output_port>& outputs() const override { return outputs_; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema_);
    for (const auto& condition : conditions_) columns.add(condition->columns());
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  // A row is only tested until a condition holds: errors of the conditions behind it don't count.
  status process(int, batch in, emitter& out) override {
    const auto none = static_cast<std::int32_t>(conditions_.size());
    targets_.assign(static_cast<std::size_t>(in.rows()), none);
    row_errors errors;
    for (std::int32_t port = 0; port < none; ++port) {
      SLUICE_ASSIGN(auto condition, conditions_[port]->evaluate(in));
      for (auto& one : condition.errors) {
        if (targets_[one.row] != none) continue;
        if (one.column.empty()) one.column = outputs_[port].name;
        errors.push_back(std::move(one));
      }
      const auto& holds = static_cast<const arrow::BooleanArray&>(*condition.values);
      for (std::int64_t row = 0; row < in.rows(); ++row)
        if (targets_[row] == none && holds.IsValid(row) && holds.Value(row)) targets_[row] = port;
    }
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(errors), policy_, out));
    send(in, settled, out);
    return {};
  }

 private:
  void send(const batch& in, const settled_rows& settled, emitter& out) {
    for (auto& rows : rows_) rows.clear();
    std::uint64_t nowhere = 0;
    const auto put = [&](std::int32_t row) {
      const auto target = static_cast<std::size_t>(targets_[row]);
      if (target < rows_.size()) {
        rows_[target].push_back(row);
      } else {
        ++nowhere;
      }
    };
    if (settled.all_kept) {
      for (std::int32_t row = 0; row < static_cast<std::int32_t>(in.rows()); ++row) put(row);
    } else {
      const auto& kept = static_cast<const arrow::Int32Array&>(*settled.kept);
      for (std::int64_t i = 0; i < kept.length(); ++i) put(kept.Value(i));
    }
    if (nowhere > 0) out.count_filtered(nowhere);
    for (std::size_t port = 0; port < rows_.size(); ++port) {
      const auto& rows = rows_[port];
      const auto count = static_cast<std::int64_t>(rows.size());
      if (count == in.rows()) {
        out.emit(static_cast<int>(port), in);
      } else if (count == 0) {
        out.emit(static_cast<int>(port), in.slice(0, 0));
      } else {
        out.emit(static_cast<int>(port), take_rows(in, arrow::Int32Array(count, arrow::Buffer::Wrap(rows))));
      }
    }
  }

  std::string unit_;
  on_error policy_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<expression::bound_ptr> conditions_;  ///< of the first ports; `default` follows them
  std::vector<output_port> outputs_;
  std::vector<std::int32_t> targets_;            ///< port of each row of the batch
  std::vector<std::vector<std::int32_t>> rows_;  ///< rows of each port
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "route", 1, faults)) return nullptr;
  const auto before = faults.size();
  std::vector<std::string> ports;
  std::vector<expression::bound_ptr> conditions;
  bool has_default = false;
  const auto names = scope_of(request);
  for (const auto& [port, text] : request.own.items()) {
    const auto path = pointer({"route", port});
    if (port == "default") {
      has_default = true;
      if (text.is_string() && text.get<std::string>() == "rest") continue;
      auto fault = user_error("invalid_option",
                              "`default` can't have a condition: it gets the rows for which no condition is true",
                              "write `default: rest`, or give the port another name");
      fault.path = path;
      faults.push_back(std::move(fault));
      continue;
    }
    if (port == "rejects") {
      auto fault = user_error("invalid_option", "a port can't be named rejects: this is the port of rows with errors",
                              "give it another name");
      fault.path = path;
      faults.push_back(std::move(fault));
      continue;
    }
    auto condition = expression::bind_condition(expression_text(text), names, path, faults);
    ports.push_back(port);
    if (condition) conditions.push_back(std::move(condition));
  }
  const bool whole = faults.size() == before && conditions.size() == ports.size();
  if (has_default) ports.emplace_back("default");
  if (!whole) {
    std::vector<output_port> outputs;
    for (auto& port : ports) outputs.push_back({std::move(port), request.inputs.front().schema});
    return make_stand_in(std::move(outputs));
  }
  return std::make_unique<route>(request, std::move(ports), std::move(conditions));
}

}  // namespace

const component& route_transform() {
  static const component self{
      .spec = {.name = "route",
               .kind = component_kind::transform,
               .summary = "Sends each row to the first port whose condition is true",
               .description = "Other units read a port as `unit.port`. `default: rest` adds the port `default` for "
                              "rows for which no condition is true; without it these rows are removed and counted as "
                              "filtered. A condition that is null counts as false.",
               .value = {.form = shape::map,
                         .help = "port: condition, tested in this order; default: rest for all other rows",
                         .required = true,
                         .elements = {{.form = shape::expression,
                                       .help = "a condition, or rest for the port `default`"}}},
               .law = "in = out (all ports) + filtered + rejected",
               .example = R"yaml(version: 1
pipeline: airports-by-height
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  split:
    from: airports
    route: { high: "alt > 5000", default: rest }
load:
  mountains:
    from: split.high
    stdout: {}
  others:
    from: split.default
    blackhole: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
