// JSON out of values.
#include "engine/expression/functions/json.hpp"
#include "engine/expression/functions/list_values.hpp"
#include "engine/values/map_type.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

namespace sluice::expression {

namespace {

void append_moment(std::string& out, const arrow::DataType& type, const arrow::Array& values, std::int64_t row) {
  auto text = value_text(values, row);
  // ISO 8601, as PostgreSQL writes it here.
  if (const auto blank = text.find(' '); blank != std::string::npos && type.id() == arrow::Type::TIMESTAMP)
    text[blank] = 'T';
  if (type.id() == arrow::Type::TIMESTAMP && !static_cast<const arrow::TimestampType&>(type).timezone().empty())
    text.insert(text.find("+00") + 3, ":00");
  append_json_text(out, text);
}

void append_map(std::string& out, const arrow::DataType& type, const arrow::ListArray& map, std::int64_t row) {
  const auto& entries = static_cast<const arrow::StructArray&>(*map.values());
  const auto keys = entries.field(0);
  const auto values = entries.field(1);
  out += '{';
  for (auto at = map.value_offset(row); at < map.value_offset(row + 1); ++at) {
    if (at > map.value_offset(row)) out += ',';
    append_json_text(out, value_text(*keys, at));
    out += ':';
    append_as_json(out, *map_value_type(type), *values, at);
  }
  out += '}';
}

/// The values of all arguments with their types.
struct all_values {
  explicit all_values(const call& c) : call_(c) {}
  void append(std::string& out, std::size_t arg, std::int64_t row) const {
    const auto& value = call_.args[arg];
    append_as_json(out, *call_.of.inputs[arg]->type, *value.array, value.constant ? 0 : row);
  }
  [[nodiscard]] bool is_null(std::size_t arg, std::int64_t row) const {
    const auto& value = call_.args[arg];
    return value.array->IsNull(value.constant ? 0 : row);
  }
  [[nodiscard]] std::string text(std::size_t arg, std::int64_t row) const {
    const auto& value = call_.args[arg];
    return value_text(*value.array, value.constant ? 0 : row);
  }
  const call& call_;
};

void to_normal(std::string& out) {
  std::string normal;
  json::append_normal(normal, out);
  out = std::move(normal);
}

/// Builds for every row, whatever is null in it.
template <class Work>
result<array_ptr> build_all(call& c, Work&& work) {
  std::vector<std::int64_t> failed;
  std::string text;
  SLUICE_ASSIGN(auto built, build_texts(c.type, c.rows, nullptr, [&](std::int64_t row, text_builder& out) {
                  text.clear();
                  if (work(row, text) == given::value)
                    out.append(text);
                  else
                    failed.push_back(row);
                }));
  if (failed.empty()) return built;
  auto data = built->data()->Copy();
  data->buffers[0] = without_rows(nullptr, failed, c.rows);
  data->null_count = arrow::kUnknownNullCount;
  return arrow::MakeArray(std::move(data));
}

template <bool Normal>
result<array_ptr> value_kernel(call& c) {
  const all_values values(c);
  return build_json(c, [&](std::int64_t row, std::string& out) {
    values.append(out, 0, row);
    if (Normal) to_normal(out);
    return given::value;
  });
}

result<array_ptr> normal_kernel(call& c) {
  const texts_of from(c.args[0]);
  return build_json(c, [&](std::int64_t row, std::string& out) {
    json::append_normal(out, from[row]);
    return given::value;
  });
}

template <bool Normal>
result<array_ptr> object_kernel(call& c) {
  const all_values values(c);
  return build_all(c, [&](std::int64_t row, std::string& out) {
    out += '{';
    for (std::size_t i = 0; i < c.args.size(); i += 2) {
      if (values.is_null(i, row))
        return fail_row(c, row, "null_value", "the key in argument " + std::to_string(i + 1) + " is null");
      if (i > 0) out += ", ";
      append_json_text(out, values.text(i, row));
      out += " : ";
      values.append(out, i + 1, row);
    }
    out += '}';
    if (Normal) to_normal(out);
    return given::value;
  });
}

template <bool Normal>
result<array_ptr> array_kernel(call& c) {
  const all_values values(c);
  return build_all(c, [&](std::int64_t row, std::string& out) {
    out += '[';
    for (std::size_t i = 0; i < c.args.size(); ++i) {
      if (i > 0) out += ", ";
      values.append(out, i, row);
    }
    out += ']';
    if (Normal) to_normal(out);
    return given::value;
  });
}

// json_object of keys and values in turn, or of keys and values in a list each.
template <bool Normal>
result<array_ptr> object_of_lists_kernel(call& c) {
  const bool two = c.args.size() > 1;
  const lists_of keys(c.args[0]), values(c.args[two ? 1 : 0]);
  const auto& key_texts = static_cast<const arrow::StringArray&>(*keys.elements());
  const auto& value_texts = static_cast<const arrow::StringArray&>(*values.elements());
  return build_json(c, [&](std::int64_t row, std::string& out) {
    const auto count = keys.length(row);
    if (two ? count != values.length(row) : count % 2 != 0)
      return fail_row(
          c, row, "out_of_range",
          two ? "the lists of keys and values differ in length" : "the list must have an even number of elements");
    const std::int64_t pairs = two ? count : count / 2;
    out += '{';
    for (std::int64_t i = 0; i < pairs; ++i) {
      const auto key = keys.begin(row) + (two ? i : i * 2);
      const auto value = two ? values.begin(row) + i : key + 1;
      if (key_texts.IsNull(key)) return fail_row(c, row, "null_value", "a key of a JSON object is null");
      if (i > 0) out += ", ";
      append_json_text(out, key_texts.GetView(key));
      out += " : ";
      if (value_texts.IsNull(value))
        out += "null";
      else
        append_json_text(out, value_texts.GetView(value));
    }
    out += '}';
    if (Normal) to_normal(out);
    return given::value;
  });
}

template <bool Normal>
node_ptr bind_value(binder& b, const call_site& site) {
  auto value = b.settle(site.args[0]);
  if (!value) return nullptr;
  if (const auto* constant = as_constant(value); constant != nullptr && constant->is_null())
    return null_constant(json_type());
  if (is_json(value)) return Normal ? make_normal_json(b, std::move(value)) : value;
  if (site.name == "array_to_json" && value->type->id() != arrow::Type::LIST)
    return b.fault(site.args[0].at, "type_mismatch", site.name + " expects a list, found " + type_name(*value->type));
  if (site.name == "row_to_json" && value->type->id() != arrow::Type::STRUCT)
    return b.fault(site.args[0].at, "type_mismatch", site.name + " expects a struct, found " + type_name(*value->type));
  return b.call(site.name, json_type(), {std::move(value)}, value_kernel<Normal>);
}

template <kernel Run, bool Pairs>
node_ptr bind_built(binder& b, const call_site& site) {
  if (Pairs && site.args.size() % 2 != 0)
    return b.fault(site.at, "wrong_argument_count", site.name + " takes keys and values in turn",
                   "write " + site.name + "('id', id, 'name', name)");
  std::vector<node_ptr> inputs;
  for (const auto& arg : site.args) {
    inputs.push_back(b.settle(arg));
    if (!inputs.back()) return nullptr;
  }
  return b.call(site.name, json_type(), std::move(inputs), Run, {.null_in_null_out = false});
}

template <bool Normal>
node_ptr bind_object(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::list(arrow::utf8())}, json_type(), object_of_lists_kernel<Normal>);
}

}  // namespace

void append_as_json(std::string& out, const arrow::DataType& type, const arrow::Array& values, std::int64_t row) {
  if (values.IsNull(row)) {
    out += "null";
    return;
  }
  switch (type.id()) {
    case arrow::Type::STRING: {
      const auto text = static_cast<const arrow::StringArray&>(values).GetView(row);
      if (is_json_type(type))
        out.append(text);
      else
        append_json_text(out, text);
      return;
    }
    case arrow::Type::LIST: {
      if (is_map_type(type)) return append_map(out, type, static_cast<const arrow::ListArray&>(values), row);
      const auto& list = static_cast<const arrow::ListArray&>(values);
      out += '[';
      for (auto at = list.value_offset(row); at < list.value_offset(row + 1); ++at) {
        if (at > list.value_offset(row)) out += ',';
        append_as_json(out, *type.field(0)->type(), *list.values(), at);
      }
      out += ']';
      return;
    }
    case arrow::Type::STRUCT: {
      const auto& structure = static_cast<const arrow::StructArray&>(values);
      out += '{';
      for (int i = 0; i < type.num_fields(); ++i) {
        if (i > 0) out += ',';
        append_json_text(out, type.field(i)->name());
        out += ':';
        append_as_json(out, *type.field(i)->type(), *structure.field(i), row);
      }
      out += '}';
      return;
    }
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
      return append_moment(out, type, values, row);
    default: {
      const auto text = value_text(values, row);
      const bool number = arrow::is_integer(type.id()) || arrow::is_decimal(type.id()) || arrow::is_floating(type.id());
      const bool finite = text.find_first_of("Iy") == std::string::npos && text != "NaN";
      if (type.id() == arrow::Type::BOOL || (number && finite))
        out += text;
      else if (type.id() == arrow::Type::BINARY)
        out += "\"\\\\x" + text.substr(std::min<std::size_t>(text.size(), 2)) + '"';
      else
        append_json_text(out, text);
    }
  }
}

node_ptr make_normal_json(binder& b, node_ptr value) {
  return b.call("to_jsonb", json_type(), {std::move(value)}, normal_kernel);
}

const std::vector<function>& json_build_functions() {
  static const std::vector<function> all = {
      entry("array_to_json", "json", "array_to_json(list) -> json", "a list as a JSON list",
            "array_to_json(array[1, 2])", "[1,2]", 1, 1, bind_value<false>),
      entry("json_build_array", "json", "json_build_array(x, ...) -> json", "a JSON list of the values",
            "json_build_array(1, 'a', null)", R"([1, "a", null])", 0, any_number,
            bind_built<array_kernel<false>, false>),
      entry("json_build_object", "json", "json_build_object(key, x, ...) -> json", "a JSON object of keys and values",
            "json_build_object('a', 1, 'b', 'x')", R"({"a" : 1, "b" : "x"})", 0, any_number,
            bind_built<object_kernel<false>, true>),
      entry("json_object", "json", "json_object(text[]) or json_object(keys, values) -> json",
            "a JSON object of keys and values in turn, or in a list each", "json_object('{a,1}')", R"({"a" : "1"})", 1,
            2, bind_object<false>),
      entry("jsonb_build_array", "json", "jsonb_build_array(x, ...) -> json",
            "the same as json_build_array, normalised", "jsonb_build_array(1, true)", "[1, true]", 0, any_number,
            bind_built<array_kernel<true>, false>),
      entry("jsonb_build_object", "json", "jsonb_build_object(key, x, ...) -> json",
            "the same as json_build_object, normalised", "jsonb_build_object('b', 1, 'a', 2)", R"({"a": 2, "b": 1})", 0,
            any_number, bind_built<object_kernel<true>, true>),
      entry("jsonb_object", "json", "jsonb_object(text[]) or jsonb_object(keys, values) -> json",
            "the same as json_object, normalised", "jsonb_object('{b,1,a,2}')", R"({"a": "2", "b": "1"})", 1, 2,
            bind_object<true>),
      entry("row_to_json", "json", "row_to_json(struct) -> json", "a struct as a JSON object", "row_to_json(null)",
            "null", 1, 1, bind_value<false>),
      entry("to_json", "json", "to_json(x) -> json", "any value as JSON", "to_json(array['a', null])", R"(["a",null])",
            1, 1, bind_value<false>),
      entry("to_jsonb", "json", "to_jsonb(x) -> json",
            "the same, normalised: keys in order, each once, a blank after colons and commas",
            R"(to_jsonb(json '{"b":1,"a":[1,2]}'))", R"({"a": [1, 2], "b": 1})", 1, 1, bind_value<true>),
  };
  return all;
}

}  // namespace sluice::expression
