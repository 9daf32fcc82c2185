// Lists: their length, and the way between texts and lists of texts.
#include "engine/expression/functions/list_values.hpp"
#include "engine/expression/functions/parts.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>

namespace sluice::expression {

namespace {

const type_ptr& text() { return arrow::utf8(); }

node_ptr list_argument(binder& b, const call_site& site) {
  auto value = b.settle(site.args[0]);
  if (value && value->type->id() != arrow::Type::LIST)
    return b.fault(site.args[0].at, "type_mismatch", site.name + " expects a list, found " + type_name(*value->type));
  return value;
}

result<array_ptr> cardinality_kernel(call& c) {
  const lists_of from(c.args[0]);
  row_failures failures(c);
  return fill_rows<std::int32_t>(
      c, failures, [&](std::int64_t row, std::int32_t& out) { out = static_cast<std::int32_t>(from.length(row)); });
}

// Null for an empty list, and for dimensions that there are not.
result<array_ptr> array_length_kernel(call& c) {
  const lists_of from(c.args[0]);
  const column_of<std::int32_t> dimension(c.args[1]);
  const auto validity = all_valid(c.args, c.rows);
  std::vector<std::int64_t> none;
  auto values = allocate(c.rows * 4);
  auto* out = reinterpret_cast<std::int32_t*>(values->mutable_data());
  std::memset(out, 0, static_cast<std::size_t>(c.rows) * 4);
  for_valid(validity, c.rows, [&](std::int64_t row) {
    if (dimension[row] != 1 || from.length(row) == 0)
      none.push_back(row);
    else
      out[row] = static_cast<std::int32_t>(from.length(row));
  });
  return make_array(c.type, c.rows, std::move(values), none.empty() ? validity : without_rows(validity, none, c.rows));
}

// Nulls are left out, or written as the third argument.
result<array_ptr> to_text_kernel(call& c) {
  const lists_of from(c.args[0]);
  const auto& elements = *from.elements();
  const texts_of delimiter(c.args[1]);
  const bool has_null_text = c.args.size() > 2;
  const texts_of null_text(c.args[has_null_text ? 2 : 1]);
  std::vector<operand> needed(c.args.begin(), c.args.begin() + 2);
  const auto null_valid = has_null_text ? all_valid({c.args[2]}, c.rows) : nullptr;
  return build_texts(c.type, c.rows, all_valid(needed, c.rows), [&](std::int64_t row, text_builder& out) {
    const bool write_nulls = has_null_text && (!null_valid || get_bit(null_valid->data(), row));
    bool first = true;
    for (auto at = from.begin(row); at < from.end(row); ++at) {
      const bool null = elements.IsNull(at);
      if (null && !write_nulls) continue;
      if (!first) out.append(delimiter[row]);
      first = false;
      if (null)
        out.append(null_text[row]);
      else if (elements.type_id() == arrow::Type::STRING)
        out.append(static_cast<const arrow::StringArray&>(elements).GetView(at));
      else if (elements.type_id() == arrow::Type::BOOL)
        out.append(static_cast<const arrow::BooleanArray&>(elements).Value(at) ? "t" : "f");
      else
        out.append(value_text(elements, at));
    }
  });
}

// A null delimiter divides into characters; an empty one does not divide. A part that is the third argument is null.
result<array_ptr> from_text_kernel(call& c) {
  const texts_of from(c.args[0]), delimiter(c.args[1]);
  const bool has_null_text = c.args.size() > 2;
  const texts_of null_text(c.args[has_null_text ? 2 : 0]);
  const auto& delimiters = c.args[1];
  const auto text_valid = all_valid({c.args[0]}, c.rows);
  const auto null_valid = has_null_text ? all_valid({c.args[2]}, c.rows) : nullptr;
  auto arguments = std::move(c.args);
  c.args = {arguments[0]};
  return build_text_lists(c, [&](std::int64_t row, std::vector<std::optional<std::string_view>>& out) {
    const auto value = from[row];
    if (value.empty()) return true;
    const bool divides = delimiters.array->IsValid(delimiters.constant ? 0 : row);
    const auto add = [&](std::string_view part) {
      const bool null = has_null_text && (!null_valid || get_bit(null_valid->data(), row)) && part == null_text[row];
      out.push_back(null ? std::nullopt : std::optional(part));
    };
    if (!divides) {
      for (std::size_t at = 0; at < value.size();) {
        auto end = at + 1;
        while (end < value.size() && (static_cast<unsigned char>(value[end]) & 0xc0) == 0x80) ++end;
        add(value.substr(at, end - at));
        at = end;
      }
      return true;
    }
    const auto by = delimiter[row];
    std::size_t begin = 0;
    while (!by.empty()) {
      const auto end = value.find(by, begin);
      if (end == std::string_view::npos) break;
      add(value.substr(begin, end - begin));
      begin = end + by.size();
    }
    add(value.substr(begin));
    return true;
  });
}

node_ptr bind_cardinality(binder& b, const call_site& site) {
  auto list = list_argument(b, site);
  return list ? b.call(site.name, arrow::int32(), {std::move(list)}, cardinality_kernel) : nullptr;
}
node_ptr bind_array_length(binder& b, const call_site& site) {
  auto list = list_argument(b, site);
  auto dimension = b.coerce(site.args[1], arrow::int32(), site.name);
  return list && dimension
             ? b.call(site.name, arrow::int32(), {std::move(list), std::move(dimension)}, array_length_kernel)
             : nullptr;
}
node_ptr bind_to_text(binder& b, const call_site& site) {
  auto list = list_argument(b, site);
  if (!list) return nullptr;
  const auto of = static_cast<const arrow::ListType&>(*list->type).value_type()->id();
  if (of == arrow::Type::LIST || of == arrow::Type::STRUCT)
    return b.fault(site.args[0].at, "not_supported_yet",
                   "array_to_string of " + type_name(*list->type) + " is not supported yet");
  std::vector<node_ptr> inputs = {std::move(list)};
  for (std::size_t i = 1; i < site.args.size(); ++i) {
    inputs.push_back(b.coerce(site.args[i], text(), site.name));
    if (!inputs.back()) return nullptr;
  }
  return b.call(site.name, text(), std::move(inputs), to_text_kernel, {.null_in_null_out = false});
}
node_ptr bind_from_text(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, arrow::list(text()), from_text_kernel, {.null_in_null_out = false});
}

}  // namespace

const std::vector<function>& list_functions() {
  static const std::vector<function> all = {
      entry("array_length", "list", "array_length(list, 1) -> integer", "number of elements; null for an empty list",
            "array_length(string_to_array('a,b', ','), 1)", "2", 2, 2, bind_array_length),
      entry("array_to_string", "list", "array_to_string(list, delimiter [, null]) -> text",
            "the elements with the delimiter between them; nulls are left out, or written as `null`",
            "array_to_string(string_to_array('a,b', ','), '-')", "a-b", 2, 3, bind_to_text),
      entry("cardinality", "list", "cardinality(list) -> integer", "number of elements",
            "cardinality(string_to_array('a,b', ','))", "2", 1, 1, bind_cardinality),
      entry("string_to_array", "list", "string_to_array(text, delimiter [, null]) -> text[]",
            "the parts between delimiters; parts that are `null` become null, a null delimiter divides into characters",
            "string_to_array('a,b,,d', ',', '')", "[\"a\",\"b\",null,\"d\"]", 2, 3, bind_from_text),
  };
  return all;
}

}  // namespace sluice::expression
