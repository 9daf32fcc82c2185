// Fields of structs, elements of lists.
#include "engine/error/names.hpp"
#include "engine/expression/bind/binder.hpp"
#include "engine/expression/bind/typing.hpp"
#include "engine/expression/columns.hpp"
#include "engine/values/types.hpp"

#include <arrow/api.h>
#include <arrow/compute/api.h>

namespace sluice::expression {

namespace {

result<array_ptr> field_kernel(call& c) {
  const auto index = *static_cast<const int*>(c.state);
  SLUICE_ASSIGN_ARROW(auto field, static_cast<const arrow::StructArray&>(*c.args[0].array).GetFlattenedField(index),
                      "read a field");
  return field;
}

// The element counted from 1; beyond the ends there is null, as in PostgreSQL.
result<array_ptr> element_kernel(call& c) {
  const auto& lists = static_cast<const arrow::ListArray&>(*c.args[0].array);
  const column_of<std::int64_t> places(c.args[1]);
  arrow::Int64Builder indices;
  SLUICE_TRY_ARROW(indices.Reserve(c.rows), "read an element");
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const auto at = c.args[0].constant ? 0 : row;
    const bool known = lists.IsValid(at) && c.args[1].array->IsValid(c.args[1].constant ? 0 : row);
    const auto place = known ? places[row] : 0;
    if (known && place >= 1 && place <= lists.value_length(at))
      indices.UnsafeAppend(lists.value_offset(at) + place - 1);
    else
      indices.UnsafeAppendNull();
  }
  SLUICE_ASSIGN_ARROW(auto picked, indices.Finish(), "read an element");
  SLUICE_ASSIGN_ARROW(auto taken, arrow::compute::Take(*lists.values(), *picked), "read an element");
  return taken;
}

// Whether a list holds a text: null where it does not, but holds null, as in PostgreSQL.
result<array_ptr> equals_any_kernel(call& c) {
  const auto& values = static_cast<const arrow::StringArray&>(*c.args[0].array);
  const auto& lists = static_cast<const arrow::ListArray&>(*c.args[1].array);
  const auto& elements = static_cast<const arrow::StringArray&>(*lists.values());
  arrow::BooleanBuilder found;
  SLUICE_TRY_ARROW(found.Reserve(c.rows), "look into a list");
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const auto value = c.args[0].constant ? 0 : row;
    const auto list = c.args[1].constant ? 0 : row;
    if (values.IsNull(value) || lists.IsNull(list)) {
      found.UnsafeAppendNull();
      continue;
    }
    bool is_in = false;
    bool has_null = false;
    for (auto at = lists.value_offset(list); at < lists.value_offset(list) + lists.value_length(list); ++at) {
      has_null = has_null || elements.IsNull(at);
      is_in = is_in || (elements.IsValid(at) && elements.GetView(at) == values.GetView(value));
    }
    if (!is_in && has_null)
      found.UnsafeAppendNull();
    else
      found.UnsafeAppend(is_in);
  }
  SLUICE_ASSIGN_ARROW(auto made, found.Finish(), "look into a list");
  return made;
}

}  // namespace

node_ptr binder::bind_equals_any(const syntax& of) {
  bool good = true;
  auto parts = bind_all(of.args, good);
  if (!good) return nullptr;
  const auto& list = *parts[1].value->type;
  if (list.id() != arrow::Type::LIST)
    return fault(of.begin, "type_mismatch", "any() takes a list, found a value of type " + type_name(list),
                 "for single values write x in (1, 2)");
  if (list.field(0)->type()->id() != arrow::Type::STRING)
    return fault(of.begin, "not_supported_yet",
                 "= any() over lists of type " + type_name(list) + " is not supported yet",
                 "only text[] can be searched");
  auto value = coerce(parts[0], arrow::utf8(), "the value beside any()");
  if (!value) return nullptr;
  return call("= any", arrow::boolean(), {std::move(value), parts[1].value}, equals_any_kernel,
              {.form = notation::infix, .null_in_null_out = false});
}

node_ptr binder::field_of(const node_ptr& value, const std::string& name, std::size_t at) {
  if (value->type->id() != arrow::Type::STRUCT)
    return fault(at, "type_mismatch", "a value of type " + type_name(*value->type) + " has no fields: ." + name);
  const auto& type = static_cast<const arrow::StructType&>(*value->type);
  const int index = type.GetFieldIndex(name);
  if (index < 0) {
    std::vector<std::string> known;
    for (const auto& field : type.fields()) known.push_back(field->name());
    const auto near = nearest_name(name, known);
    return fault(at, "unknown_field", "the struct has no field " + name,
                 near.empty() ? "its type is " + type_name(type) : "did you mean " + quoted_identifier(near) + "?");
  }
  return call("." + quoted_identifier(name), type.field(index)->type(), {value}, field_kernel,
              {.form = notation::suffix, .state = std::make_shared<const int>(index)});
}

node_ptr binder::bind_field(const syntax& of) {
  const auto value = bind(*of.args[0]);
  return value ? field_of(value, of.text, of.begin) : nullptr;
}

node_ptr binder::bind_element(const syntax& of) {
  bool good = true;
  auto parts = bind_all(of.args, good);
  if (!good) return nullptr;
  if (parts[0].value->type->id() != arrow::Type::LIST)
    return fault(of.begin, "type_mismatch", "a value of type " + type_name(*parts[0].value->type) + " has no elements",
                 "only lists such as text[] have elements");
  auto place = coerce(parts[1], arrow::int64(), "the index");
  if (!place) return nullptr;
  return call("element", parts[0].value->type->field(0)->type(), {parts[0].value, std::move(place)}, element_kernel,
              {.form = notation::index});
}

node_ptr binder::bind_list(const syntax& of) {
  return fault(of.begin, "not_supported_yet", "creating lists in expressions is not supported yet");
}

}  // namespace sluice::expression
