#include "engine/component/stand_in.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/held_state.hpp"
#include "engine/operators/keeps_first.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

class limit final : public single_output, public passes_first {
 public:
  limit(const transform_request& request, std::int64_t rows)
      : single_output(request, request.inputs.front().schema), rows_(rows), left_(rows) {}

  [[nodiscard]] std::int64_t rows_passed() const override { return rows_; }
  [[nodiscard]] partitioning input_partitioning(int) const override { return {.how = partitioning::kind::single}; }
  [[nodiscard]] bool needs_order() const override { return true; }
  [[nodiscard]] bool satisfied() const override { return left_ == 0; }
  [[nodiscard]] std::optional<std::vector<std::string>> required_columns(
      int, const std::vector<std::string>& wanted) const override {
    column_set columns(schema());
    for (const auto& name : wanted) columns.add_name(name);
    return columns.names();
  }

  result<std::vector<state_part>> state(key_groups of) override {
    if (!of.contains(0)) return std::vector<state_part>{};
    SLUICE_ASSIGN(auto left, held::numbers("left", {left_}));
    return std::vector<state_part>{std::move(left)};
  }
  status restore(const std::vector<state_part>& parts) override {
    for (const auto& part : parts) {
      SLUICE_ASSIGN(const auto left, held::numbers_of(part, 1));
      left_ = left[0];
    }
    return {};
  }

  status process(int, batch in, emitter& out) override {
    const auto kept = std::min(left_, in.rows());
    left_ -= kept;
    if (kept < in.rows()) {
      out.count_filtered(static_cast<std::uint64_t>(in.rows() - kept));
      in = in.slice(0, kept);
    }
    out.emit(0, std::move(in));
    return {};
  }

 private:
  std::int64_t rows_;
  std::int64_t left_;
};

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  if (!require_inputs(request, "limit", 1, faults)) return nullptr;
  const auto rows = request.own.is_number_integer() ? request.own.get<std::int64_t>() : -1;
  if (rows < 0) {
    auto fault = user_error(
        "invalid_option", "limit must be a whole number of rows, 0 or more, found " + request.own.dump(), "limit: 10");
    fault.path = "/limit";
    faults.push_back(std::move(fault));
    return make_stand_in(request.inputs.front().schema);
  }
  return std::make_unique<limit>(request, rows);
}

}  // namespace

const component& limit_transform() {
  static const component self{
      .spec =
          {.name = "limit",
           .kind = component_kind::transform,
           .summary = "Keeps the first rows",
           .description =
               "Reading stops as soon as the limit is reached; rows that were already read are counted as filtered.",
           .value = {.form = shape::integer, .help = "number of rows to keep", .required = true},
           .law = "in = out + filtered",
           .example = R"yaml(version: 1
pipeline: first-airports
extract:
  airports:
    csv: { path: examples/data/airports.csv }
transform:
  first:
    from: airports
    limit: 10
load:
  show:
    from: first
    stdout: {}
)yaml"},
      .make_transform = make};
  return self;
}

}  // namespace sluice
