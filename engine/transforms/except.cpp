#include "engine/operators/sets/set_operation.hpp"

namespace sluice {

namespace {

std::unique_ptr<transform> make(const transform_request& request, diagnostics& faults) {
  return make_set_operation(request, set_operation::except, faults);
}

}  // namespace

const component& except_transform() {
  static const component self{.spec = {.name = "except",
                                       .kind = component_kind::transform,
                                       .summary = "Keeps the distinct rows of the first input that no other input has",
                                       .description = "As `except` of SQL: each row comes out once, and nulls are "
                                                      "equal to each other. All inputs need the same "
                                                      "columns; they are matched by name and widened to the type that "
                                                      "holds all values. The distinct rows of all "
                                                      "inputs are held in memory. To compare by some columns only, "
                                                      "write a [join](transform-join.md) with `how: "
                                                      "semi` or `how: anti`.",
                                       .value = {.form = shape::object, .help = "no options: {}"},
                                       .law = "in = out + merged",
                                       .example = R"yaml(version: 1
pipeline: zones-except
extract:
  airports:
    csv: { path: examples/data/airports.csv }
    columns: [tzone, alt]
transform:
  high: { from: airports, steps: [{ filter: "alt > 3000" }, { select: [tzone] }] }
  low: { from: airports, steps: [{ filter: "alt < 100" }, { select: [tzone] }] }
  zones: { from: [high, low], except: {} }
load:
  show:
    from: zones
    stdout: {}
)yaml"},
                              .make_transform = make};
  return self;
}

}  // namespace sluice
