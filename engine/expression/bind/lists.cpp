// Lists in expressions: array[...], slices, x = any(list).
#include "engine/expression/bind/binder.hpp"
#include "engine/expression/bind/typing.hpp"
#include "engine/expression/functions/list_values.hpp"
#include "engine/expression/operands.hpp"
#include "engine/values/types.hpp"

#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/compute/api_vector.h>

#include <map>

namespace sluice::expression {

namespace {

// array[a, b]: the values of all arguments end to end, picked row by row.
result<array_ptr> list_kernel(call& c) {
  arrow::ArrayVector parts;
  std::vector<std::int64_t> begins;
  std::int64_t total = 0;
  for (const auto& arg : c.args) {
    begins.push_back(total);
    total += arg.array->length();
    parts.push_back(arg.array);
  }
  SLUICE_ASSIGN_ARROW(const auto all, arrow::Concatenate(parts), "make lists");
  list_picker out(c.rows);
  for (std::int64_t row = 0; row < c.rows; ++row) {
    for (std::size_t i = 0; i < c.args.size(); ++i) out.pick(begins[i] + (c.args[i].constant ? 0 : row));
    out.end_row();
  }
  return out.finish(c.type, all);
}

result<array_ptr> slice_kernel(call& c) {
  const lists_of lists(c.args[0]);
  const column_of<std::int32_t> low(c.args[1]), high(c.args[2]);
  const auto valid = [&](std::size_t arg, std::int64_t row) {
    return c.args[arg].array->IsValid(c.args[arg].constant ? 0 : row);
  };
  list_picker out(c.rows);
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const bool there = !lists.is_null(row) && valid(1, row) && valid(2, row);
    if (there) {
      const auto last = std::min<std::int64_t>(high[row], lists.length(row));
      for (auto at = std::max<std::int64_t>(low[row], 1); at <= last; ++at) out.pick(lists.begin(row) + at - 1);
    }
    out.end_row(there);
  }
  return out.finish(c.type, lists.elements());
}

struct quantifier {
  kernel compare;
  bool all;
};

// Compares the value with every element at once, then each list is true where any (all) of its elements are; null
// counts as unknown, and an empty list decides whatever the value is.
result<array_ptr> quantified_kernel(call& c) {
  const auto& how = *static_cast<const quantifier*>(c.state);
  const lists_of lists(c.args[1]);
  std::vector<std::int64_t> parents;
  std::vector<std::int64_t> places;
  for (std::int64_t row = 0; row < c.rows; ++row)
    for (auto at = lists.begin(row); !lists.is_null(row) && at < lists.end(row); ++at) {
      parents.push_back(c.args[0].constant ? 0 : row);
      places.push_back(at);
    }
  const auto count = std::ssize(places);
  const auto take = [&](const array_ptr& from, const std::vector<std::int64_t>& which) {
    const arrow::Int64Array indices(count, arrow::Buffer::Wrap(which));
    return arrow::compute::Take(*from, indices, arrow::compute::TakeOptions::NoBoundsCheck());
  };
  array_ptr values;
  if (!c.args[0].constant) {
    SLUICE_ASSIGN_ARROW(values, take(c.args[0].array, parents), "look into lists");
  }
  SLUICE_ASSIGN_ARROW(auto elements, take(lists.elements(), places), "look into lists");
  array_ptr truths;
  if (count > 0) {
    frame inner(nullptr, count, c.in.run);
    const mask everything;
    const bool constant = c.args[0].constant && count > 1;
    call compared{c.of,
                  arrow::boolean(),
                  {{constant ? c.args[0].array : values ? values : c.args[0].array, constant}, {elements}},
                  count,
                  everything,
                  inner,
                  nullptr};
    SLUICE_ASSIGN(truths, how.compare(compared));
  }
  const auto* const found = static_cast<const arrow::BooleanArray*>(truths.get());
  arrow::BooleanBuilder out;
  SLUICE_TRY_ARROW(out.Reserve(c.rows), "look into lists");
  std::int64_t at = 0;
  for (std::int64_t row = 0; row < c.rows; ++row) {
    if (lists.is_null(row)) {
      out.UnsafeAppendNull();
      continue;
    }
    bool decided = false, unknown = false;
    for (std::int64_t i = 0; i < lists.length(row); ++i, ++at) {
      unknown = unknown || found->IsNull(at);
      decided = decided || (found->IsValid(at) && found->Value(at) != how.all);
    }
    if (!decided && unknown)
      out.UnsafeAppendNull();
    else
      out.UnsafeAppend(decided != how.all);
  }
  SLUICE_ASSIGN_ARROW(auto made, out.Finish(), "look into lists");
  return made;
}

}  // namespace

node_ptr binder::bind_list(const syntax& of) {
  bool good = true;
  auto parts = bind_all(of.args, good);
  if (!good) return nullptr;
  if (parts.empty())
    return cast(
        {std::make_shared<constant_node>(*arrow::MakeArrayFromScalar(arrow::StringScalar("{}"), 1), true), of.begin},
        arrow::list(arrow::utf8()));
  const auto type = unify(parts, "array");
  if (!type) return nullptr;
  std::vector<node_ptr> inputs;
  for (auto& part : parts) inputs.push_back(std::move(part.value));
  return call("array", arrow::list(type), std::move(inputs), list_kernel,
              {.form = notation::list, .null_in_null_out = false});
}

node_ptr binder::bind_slice(const syntax& of) {
  bool good = true;
  auto parts = bind_all(of.args, good);
  if (!good) return nullptr;
  if (parts[0].value->type->id() != arrow::Type::LIST)
    return fault(of.begin, "type_mismatch", "a value of type " + type_name(*parts[0].value->type) + " has no elements",
                 "only lists such as text[] have slices; substring(x from 1 for 2) is a part of a text");
  auto low = coerce(parts[1], arrow::int32(), "the start of the slice");
  auto high = coerce(parts[2], arrow::int32(), "the end of the slice");
  if (!low || !high) return nullptr;
  return call("slice", parts[0].value->type, {parts[0].value, std::move(low), std::move(high)}, slice_kernel,
              {.form = notation::slice});
}

node_ptr binder::bind_quantified(const syntax& of) {
  static const std::map<std::string, comparison> comparisons = {
      {"=", comparison::equal},       {"<>", comparison::not_equal}, {"<", comparison::less},
      {"<=", comparison::less_equal}, {">", comparison::greater},    {">=", comparison::greater_equal}};
  bool good = true;
  auto parts = bind_all(of.args, good);
  if (!good) return nullptr;
  const std::string word = of.negated ? "all" : "any";
  const auto compared = comparisons.find(of.text);
  auto& value = parts[0];
  auto& list = parts[1];
  if (is_untyped(list.value))
    list.value = cast(list, arrow::list(is_untyped(value.value) ? arrow::utf8() : value.value->type));
  if (!list.value) return nullptr;
  if (list.value->type->id() != arrow::Type::LIST)
    return fault(of.begin, "type_mismatch",
                 word + "() takes a list, found a value of type " + type_name(*list.value->type),
                 "for single values write x in (1, 2)");
  const auto element = list.value->type->field(0)->type();
  const auto type = is_untyped(value.value) ? element : common_type(value.value->type, element);
  const auto run = type == nullptr ? nullptr : find_comparison_kernel(compared->second, *type);
  if (run == nullptr || arrow::is_nested(type->id()))
    return fault(
        of.begin, "type_mismatch",
        "there is no " + kind_of(value.value) + " " + of.text + " " + word + "(" + type_name(*list.value->type) + ")",
        "cast one side to the type of the other");
  value.value = cast(value, type);
  list.value = cast(list, arrow::list(type));
  if (!value.value || !list.value) return nullptr;
  return call(of.text + " " + word, arrow::boolean(), {value.value, list.value}, quantified_kernel,
              {.form = notation::infix,
               .null_in_null_out = false,
               .state = std::make_shared<const quantifier>(quantifier{run, of.negated})});
}

}  // namespace sluice::expression
