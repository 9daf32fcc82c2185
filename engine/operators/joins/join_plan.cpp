#include "engine/operators/joins/join_plan.hpp"

#include "engine/component/stand_in.hpp"
#include "engine/expression/bind/conjuncts.hpp"
#include "engine/operators/common_type.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "engine/operators/keys/key_hash.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <set>

namespace sluice::joins {

namespace {

constexpr auto on_path = "/join/on";

void add_fault(diagnostics& faults, error fault, std::string path, std::optional<std::size_t> offset = {}) {
  fault.path = std::move(path);
  fault.offset = offset;
  faults.push_back(std::move(fault));
}

void set_type(key_pair& pair, const std::string& text, const std::string& path, std::optional<std::size_t> offset,
              diagnostics& faults) {
  const auto left = canonical_key_type(pair.left->type()), right = canonical_key_type(pair.right->type());
  pair.type = common_type(left, right);
  if (!pair.type) {
    add_fault(faults,
              user_error("type_mismatch",
                         "the key " + text + " is " + type_name(*left) + " on the left and " + type_name(*right) +
                             " on the right, and there is no type that holds both without loss",
                         "cast one of them first: cast: { column: " + type_name(*left) + " }"),
              path, offset);
  } else if (auto checked = flow::check_key_type(*pair.type, text); !checked.ok()) {
    add_fault(faults, checked.problem(), path, offset);
  }
}

void bind_using(const transform_request& request, const options& names, join_plan& what, diagnostics& faults) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto path = pointer({"join", "using", std::to_string(i)});
    const auto name = names[i].get<std::string>();
    if (!seen.insert(name).second) {
      add_fault(faults, user_error("invalid_option", "using names " + name + " twice", "list each key once"), path);
      continue;
    }
    key_pair pair;
    for (int side = 0; side < 2; ++side) {
      const auto column = find_column(request, side, name, path, faults);
      if (!column) continue;
      const auto& field = *request.inputs[side].schema->field(*column);
      (side == 0 ? pair.left : pair.right) =
          expression::bind(quoted_name(field.name()), scope_of(request, side), path, faults);
    }
    if (!pair.left || !pair.right) continue;  // has a fault, or its type is unknown
    pair.same_name = true;
    set_type(pair, name, path, {}, faults);
    what.keys.push_back(std::move(pair));
  }
  if (names.empty())
    add_fault(faults,
              user_error("invalid_option", "using is empty: it needs at least one key",
                         "write for example using: [customer_id], or how: cross to combine each row with each row"),
              pointer({"join", "using"}));
}

std::string column_name(const transform_request& request, int side, const expression::bound& value) {
  const auto column = value.as_column();
  return column ? request.inputs[side].schema->field(*column)->name() : std::string();
}

void bind_on(const transform_request& request, const std::string& text, join_plan& what, diagnostics& faults) {
  auto both = scope_of(request, 0);
  both.inputs.push_back({.qualifier = request.inputs[1].unit, .schema = request.inputs[1].schema});
  for (auto& part : expression::bind_conjuncts(text, both, on_path, faults)) {
    if (!part.left.value || !part.right.value || part.left.input == part.right.input) {
      what.conditions.push_back(std::move(part.whole));
      continue;
    }
    const bool in_order = part.left.input == 0;
    key_pair pair{.left = in_order ? part.left.value : part.right.value,
                  .right = in_order ? part.right.value : part.left.value,
                  .type = nullptr};
    const auto name = column_name(request, 0, *pair.left);
    pair.same_name = !name.empty() && name == column_name(request, 1, *pair.right);
    set_type(pair, part.left.text + " = " + part.right.text, on_path, part.offset, faults);
    what.keys.push_back(std::move(pair));
  }
}

void bind_condition(const transform_request& request, join_plan& what, diagnostics& faults) {
  const auto names = request.own.value("using", options());
  auto on = request.own.value("on", options());
  if (const auto where = request.own.value("where", options()); !where.is_null()) {
    if (!on.is_null())
      add_fault(faults,
                user_error("invalid_option", "`where` is another name for `on`: a join has one of them", "remove one"),
                "/join/where");
    on = where;
  }
  if (what.kind == join_kind::cross) {
    if (!names.is_null() || !on.is_null())
      add_fault(
          faults,
          user_error("invalid_option", "a cross join combines each row with each row: `using` and `on` are not allowed",
                     "use how: inner, or remove `using` and `on`"),
          "/join");
    return;
  }
  if (names.is_null() == on.is_null()) {
    add_fault(faults,
              user_error("invalid_option",
                         names.is_null() ? "a join needs `using` or `on`" : "a join can have `using` or `on`, not both",
                         "join: { how: left, using: [customer_id] }"),
              "/join");
    return;
  }
  if (!on.is_null()) return bind_on(request, expression_text(on), what, faults);
  bind_using(request, names.is_array() ? names : options::array({names}), what, faults);
}

void check_name(const transform_request& request, const std::string& name, diagnostics& faults) {
  const auto& left = request.inputs[0];
  const auto& right = request.inputs[1];
  if (left.schema->GetFieldIndex(name) < 0) return;
  add_fault(faults,
            user_error("duplicate_column", "column " + name + " is in both inputs, " + left.unit + " and " + right.unit,
                       "rename or drop it in one of them first: { from: " + right.unit + ", rename: { " + name + ": " +
                           right.unit + "_" + name + " } }"),
            "/join");
}

// The key that a right row without a left one shows as the left's column must fit there.
std::shared_ptr<arrow::Field> shared_key_field(const join_plan& what, const key_pair& key, int left) {
  const auto& field = what.inputs[0]->field(left);
  if (!what.keeps_right()) return field;
  return field->WithType(key.type)->WithNullable(true);
}

void choose_columns(const transform_request& request, join_plan& what, diagnostics& faults) {
  const auto& left = *what.inputs[0];
  const auto& right = *what.inputs[1];
  std::vector<const key_pair*> shared(static_cast<std::size_t>(left.num_fields()));
  std::vector<bool> shown(static_cast<std::size_t>(right.num_fields()), !what.shows_right());
  std::vector<bool> kept(static_cast<std::size_t>(right.num_fields()));
  for (const auto& key : what.keys) {
    if (!key.same_name) {
      // `orders.customer = customers.id`: the left shows the value, under its own name, and may have an id of its own.
      const auto column = key.right->as_column();
      if (column && !what.keeps_right() && key.left->as_column() &&
          left.GetFieldIndex(right.field(*column)->name()) >= 0)
        shown[static_cast<std::size_t>(*column)] = true;
      continue;
    }
    shared[static_cast<std::size_t>(*key.left->as_column())] = &key;
    shown[static_cast<std::size_t>(*key.right->as_column())] = true;
  }
  arrow::FieldVector fields;
  for (int column = 0; column < left.num_fields(); ++column) {
    const auto* key = shared[static_cast<std::size_t>(column)];
    output_column made{.left = column};
    if (key != nullptr && what.keeps_right()) {
      made.right = *key->right->as_column();
      kept[static_cast<std::size_t>(made.right)] = true;
    }
    const auto field = key != nullptr ? shared_key_field(what, *key, column) : left.field(column);
    fields.push_back(what.keeps_right() ? field->WithNullable(true) : field);
    what.columns.push_back(made);
  }
  for (int column = 0; column < right.num_fields(); ++column) {
    if (shown[static_cast<std::size_t>(column)]) continue;
    check_name(request, right.field(column)->name(), faults);
    fields.push_back(right.field(column)->WithNullable(true));
    what.columns.push_back({.right = column});
    kept[static_cast<std::size_t>(column)] = true;
  }
  for (const auto& condition : what.conditions)
    for (const int column : condition->columns())
      if (column >= left.num_fields()) kept[static_cast<std::size_t>(column - left.num_fields())] = true;
  for (int column = 0; column < right.num_fields(); ++column)
    if (kept[static_cast<std::size_t>(column)]) what.kept.push_back(column);
  what.schema = arrow::schema(std::move(fields));
}

}  // namespace

join_plan bind_join(const transform_request& request, diagnostics& faults) {
  static constexpr std::array<std::string_view, 7> names = {"inner", "left", "right", "full", "semi", "anti", "cross"};
  const auto before = faults.size();
  join_plan what;
  const auto how = request.own.value("how", std::string("inner"));
  what.kind = static_cast<join_kind>(std::find(names.begin(), names.end(), how) - names.begin());
  for (const auto& input : request.inputs) what.inputs.push_back(input.schema);
  bind_condition(request, what, faults);
  if (faults.size() == before && !has_unknown_columns(request)) choose_columns(request, what, faults);
  return what;
}

partitioning partitioning_of(const join_plan& what, int input) {
  partitioning how{.how = partitioning::kind::by_keys};
  if (what.keys.empty()) how.how = partitioning::kind::single;
  for (const auto& key : what.keys) {
    const auto column = (input == 0 ? key.left : key.right)->as_column();
    // Both inputs are spread, or none.
    if (!column || !(input == 0 ? key.right : key.left)->as_column()) return {.how = partitioning::kind::single};
    how.keys.push_back(what.inputs[static_cast<std::size_t>(input)]->field(*column)->name());
    how.key_types.push_back(key.type);
  }
  return how;
}

std::vector<std::string> columns_needed(const join_plan& what, int input, const std::vector<std::string>& wanted) {
  const auto& schema = what.inputs[static_cast<std::size_t>(input)];
  const auto first = input == 0 ? 0 : what.inputs[0]->num_fields();
  column_set columns(schema);
  for (const auto& key : what.keys) columns.add((input == 0 ? key.left : key.right)->columns());
  for (const auto& condition : what.conditions)
    for (const int column : condition->columns())
      if (column >= first && column < first + schema->num_fields()) columns.add(column - first);
  for (const auto& name : wanted) {
    const auto shown = what.schema->GetFieldIndex(name);
    if (shown < 0) continue;
    const auto& from = what.columns[static_cast<std::size_t>(shown)];
    if (const int column = input == 0 ? from.left : from.right; column >= 0) columns.add(column);
  }
  return columns.names();
}

}  // namespace sluice::joins
