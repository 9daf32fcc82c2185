// Fields of structs, elements of lists.
#include "engine/error/names.hpp"
#include "engine/expression/bind/binder.hpp"
#include "engine/expression/bind/typing.hpp"
#include "engine/expression/columns.hpp"
#include "engine/expression/functions.hpp"
#include "engine/expression/functions/list_values.hpp"
#include "engine/values/map_type.hpp"
#include "engine/values/marked_text.hpp"
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

// The value of the first entry that has the key.
result<array_ptr> lookup_kernel(call& c) {
  const lists_of maps(c.args[0]);
  const auto& entries = static_cast<const arrow::StructArray&>(*maps.elements());
  const auto& key = c.args[1];
  const same_elements same(entries.field(0), key.array);
  arrow::Int64Builder indices;
  SLUICE_TRY_ARROW(indices.Reserve(c.rows), "look up a key");
  for (std::int64_t row = 0; row < c.rows; ++row) {
    const auto wanted = key.constant ? 0 : row;
    std::int64_t found = -1;
    for (auto at = maps.begin(row); !maps.is_null(row) && at < maps.end(row) && found < 0; ++at)
      if (same.equal(at, wanted)) found = at;
    if (found < 0)
      indices.UnsafeAppendNull();
    else
      indices.UnsafeAppend(found);
  }
  SLUICE_ASSIGN_ARROW(auto picked, indices.Finish(), "look up a key");
  SLUICE_ASSIGN_ARROW(auto taken, arrow::compute::Take(*entries.field(1), *picked), "look up a key");
  return taken;
}

}  // namespace

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
  const auto& type = *parts[0].value->type;
  if (is_json_type(type)) {
    const auto* arrow = find_function("->");
    return arrow->bind(*this, {"->", of.begin, std::move(parts)});
  }
  if (is_map_type(type)) {
    auto key = coerce(parts[1], map_key_type(type), "the key");
    if (!key) return nullptr;
    return call("element", map_value_type(type), {parts[0].value, std::move(key)}, lookup_kernel,
                {.form = notation::index});
  }
  if (type.id() != arrow::Type::LIST)
    return fault(of.begin, "type_mismatch", "a value of type " + type_name(type) + " has no elements",
                 "only lists such as text[] have elements");
  auto place = coerce(parts[1], arrow::int64(), "the index");
  if (!place) return nullptr;
  return call("element", parts[0].value->type->field(0)->type(), {parts[0].value, std::move(place)}, element_kernel,
              {.form = notation::index});
}

}  // namespace sluice::expression
