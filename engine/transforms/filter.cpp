#include "engine/component/filters_first.hpp"
#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/row_policy.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace sluice {

namespace {

class filter final : public single_output, public filters_first {
 public:
  filter(const transform_request& request, std::string text, expression::bound_ptr condition)
      : single_output(request, request.inputs.front().schema),
        text_(std::move(text)),
        condition_(std::move(condition)) {}

  [[nodiscard]] std::optional<std::string> first_condition() const override { return text_; }

  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema());
    columns.add(condition_->columns());
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  status process(int, batch in, emitter& out) override {
    SLUICE_ASSIGN(auto condition, condition_->evaluate(in));
    SLUICE_ASSIGN(const auto settled, settle_errors(in, std::move(condition.errors), policy_, out));
    in = keep_rows(in, settled);
    const auto values = keep_rows(condition.values, settled);
    const auto& keep = static_cast<const arrow::BooleanArray&>(*values);
    const auto kept = keep.true_count();
    if (kept < in.rows()) {
      out.count_filtered(static_cast<std::uint64_t>(in.rows() - kept));
      in = kept == 0 ? in.slice(0, 0) : filter_rows(in, keep);
    }
    out.emit(0, std::move(in));
    return {};
  }

 private:
  std::string text_;
  expression::bound_ptr condition_;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "filter", 1, faults)) return nullptr;
  auto text = expression_text(request.own);
  auto condition = expression::bind_condition(text, scope_of(request), "/filter", faults);
  if (!condition) return make_stand_in(request.inputs.front().schema);
  return std::make_unique<filter>(request, std::move(text), std::move(condition));
}

}  // namespace

const component& filter_transform() {
  static const component self{
      .spec = {.name = "filter",
               .kind = component_kind::transform,
               .summary = "Keeps the rows for which a condition is true",
               .description = "Rows for which the condition is false or null are removed and counted as filtered.",
               .value = {.form = shape::expression, .help = "condition for the rows to keep", .required = true},
               .law = "in = out + filtered + rejected",
               .example = R"yaml(version: 1
pipeline: high-airports
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  high:
    from: airports
    filter: "alt > 5000"
load:
  show:
    from: high
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
