#include "engine/operators/aggregates/bind.hpp"

#include "engine/component/stand_in.hpp"
#include "engine/error/names.hpp"
#include "engine/operators/aggregates/call_state.hpp"
#include "engine/operators/binding.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/keys/key_hash.hpp"

#include <arrow/type.h>

namespace sluice::aggregates {

namespace {

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
    if (auto state = call_state::make(call, *request.context, request.unit); !state.ok()) {
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

// Equal intervals may be written differently ('1 mon', '30 days'): the one of the first row stands for its group.
int add_spelling(const transform_request& request, const std::string& key, const std::vector<std::string>& keys,
                 aggregation& what, diagnostics& faults) {
  auto bound = expression::bind_aggregate("any_value(" + quoted_identifier(key) + ")", scope_of(request), keys,
                                          pointer({"aggregate", "by"}), faults);
  return bound ? what.add_call(std::move(bound->calls.front()), key) : -1;
}

}  // namespace

bound_aggregation bind(const transform_request& request, diagnostics& faults) {
  const auto before = faults.size();
  const auto& input = *request.inputs.front().schema;
  bound_aggregation bound;
  auto& what = bound.what;
  arrow::FieldVector fields;
  std::vector<std::string> keys;
  const auto by = request.own.value("by", options::array());
  for (std::size_t i = 0; i < by.size(); ++i) {
    const auto path = pointer({"aggregate", "by", std::to_string(i)});
    const auto column = find_column(request, 0, by[i].get<std::string>(), path, faults);
    if (!column) {
      fields.push_back(arrow::field(by[i].get<std::string>(), unknown_type()));
      bound.whole = false;
      continue;
    }
    const bool known = !is_unknown(*input.field(*column)->type());
    bound.whole = bound.whole && known;
    const auto type = known ? canonical_key_type(input.field(*column)->type()) : unknown_type();
    if (!known) {
      // Nothing is said of what only follows from a fault above.
    } else if (auto checked = flow::check_key_type(*type, input.field(*column)->name()); !checked.ok()) {
      auto fault = checked.problem();
      fault.path = path;
      faults.push_back(std::move(fault));
    }
    what.keys.push_back(*column);
    what.key_types.push_back(type);
    keys.push_back(input.field(*column)->name());
    fields.push_back(arrow::field(keys.back(), type));
  }
  for (std::size_t i = 0; i < keys.size(); ++i)
    what.spelled_keys.push_back(what.key_types[i]->id() == arrow::Type::INTERVAL_MONTH_DAY_NANO
                                    ? add_spelling(request, keys[i], keys, what, faults)
                                    : -1);
  const auto key_fields = fields;
  const auto compute = request.own.value("compute", options::object());
  for (const auto& [name, text] : compute.items()) {
    const auto made = fields.size();
    bind_output(request, name, text, keys, key_fields, what, fields, faults);
    if (fields.size() > made) continue;
    fields.push_back(arrow::field(name, unknown_type()));
    bound.whole = false;
  }
  check_unique(fields, "/aggregate", "give the computed column another name than the key", faults);
  if (fields.empty() && faults.size() == before) {
    auto fault = user_error("no_columns", "aggregate has neither `by` nor `compute`",
                            "aggregate: { by: [country], compute: { orders: \"count(*)\" } }");
    fault.path = "/aggregate";
    faults.push_back(std::move(fault));
  }
  bound.whole = bound.whole && faults.size() == before;
  bound.schema = arrow::schema(std::move(fields));
  return bound;
}

}  // namespace sluice::aggregates
