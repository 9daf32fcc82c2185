// JSON: its members and elements, and what it is.
#include "engine/expression/functions/json.hpp"
#include "engine/expression/functions/list_values.hpp"
#include "engine/expression/functions/parts.hpp"
#include "engine/expression/operands.hpp"
#include "engine/values/types.hpp"

#include <charconv>

namespace sluice::expression {

namespace {

const type_ptr& text() { return arrow::utf8(); }

/// Appends the value as JSON, or as text: then a text without its quotes, and null as null.
given give(std::string_view value, bool as_text, std::string& out) {
  const auto kind = json::kind_of(value);
  if (as_text && kind == json::kind::null) return given::null;
  if (as_text && kind == json::kind::text)
    json::append_meaning(out, value);
  else
    out.append(value);
  return given::value;
}

/// Goes a step of a path: a member of an object, an element of a list.
bool step(std::string_view& value, std::string_view by) {
  const auto kind = json::kind_of(value);
  if (kind == json::kind::object) return json::find_member(value, by, value);
  if (kind != json::kind::list) return false;
  std::int64_t index = 0;
  const auto read = std::from_chars(by.data(), by.data() + by.size(), index);
  return read.ec == std::errc{} && read.ptr == by.data() + by.size() && json::find_element(value, index, value);
}

template <bool AsText>
result<array_ptr> member_kernel(call& c) {
  const texts_of from(c.args[0]), name(c.args[1]);
  return build_json(c, [&](std::int64_t row, std::string& out) {
    std::string_view value;
    const auto whole = from[row];
    if (json::kind_of(whole) != json::kind::object || !json::find_member(whole, name[row], value)) return given::null;
    return give(value, AsText, out);
  });
}

template <bool AsText>
result<array_ptr> element_kernel(call& c) {
  const texts_of from(c.args[0]);
  const column_of<std::int64_t> index(c.args[1]);
  return build_json(c, [&](std::int64_t row, std::string& out) {
    std::string_view value;
    const auto whole = from[row];
    if (json::kind_of(whole) != json::kind::list || !json::find_element(whole, index[row], value)) return given::null;
    return give(value, AsText, out);
  });
}

template <bool AsText>
result<array_ptr> path_kernel(call& c) {
  const texts_of from(c.args[0]);
  const lists_of paths(c.args[1]);
  const auto& steps = static_cast<const arrow::StringArray&>(*paths.elements());
  return build_json(c, [&](std::int64_t row, std::string& out) {
    auto value = from[row];
    for (auto at = paths.begin(row); at < paths.end(row); ++at)
      if (steps.IsNull(at) || !step(value, steps.GetView(at))) return given::null;
    return give(value, AsText, out);
  });
}

template <bool AsText>
result<array_ptr> extract_kernel(call& c) {
  const texts_of from(c.args[0]);
  std::vector<texts_of> steps;
  for (std::size_t i = 1; i < c.args.size(); ++i) steps.emplace_back(c.args[i]);
  return build_json(c, [&](std::int64_t row, std::string& out) {
    auto value = from[row];
    for (const auto& by : steps)
      if (!step(value, by[row])) return given::null;
    return give(value, AsText, out);
  });
}

result<array_ptr> typeof_kernel(call& c) {
  const texts_of from(c.args[0]);
  return build_json(c, [&](std::int64_t row, std::string& out) {
    out.append(json::name_of(json::kind_of(from[row])));
    return given::value;
  });
}

result<array_ptr> length_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  return fill_rows<std::int32_t>(c, failures, [&](std::int64_t row, std::int32_t& out) {
    const auto kind = json::kind_of(from[row]);
    if (kind == json::kind::list)
      out = static_cast<std::int32_t>(json::count_of(from[row]));
    else
      failures.add(row, "type_mismatch", "expected a JSON list, found a JSON " + std::string(json::name_of(kind)));
  });
}

result<array_ptr> keys_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  std::vector<std::string> keys;
  return build_text_lists(c, [&](std::int64_t row, std::vector<std::optional<std::string_view>>& out) {
    const auto kind = json::kind_of(from[row]);
    if (kind != json::kind::object) {
      failures.add(row, "type_mismatch", "expected a JSON object, found a JSON " + std::string(json::name_of(kind)));
      return false;
    }
    keys.clear();
    for (json::members each(from[row]); each.next();) json::append_meaning(keys.emplace_back(), each.key());
    for (const auto& key : keys) out.emplace_back(key);
    return true;
  });
}

template <bool AsText>
result<array_ptr> elements_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  std::vector<std::string> texts;
  return build_text_lists(c, [&](std::int64_t row, std::vector<std::optional<std::string_view>>& out) {
    const auto kind = json::kind_of(from[row]);
    if (kind != json::kind::list) {
      failures.add(row, "type_mismatch", "expected a JSON list, found a JSON " + std::string(json::name_of(kind)));
      return false;
    }
    texts.clear();
    std::vector<bool> null;
    for (json::members each(from[row]); each.next();)
      null.push_back(give(each.value(), AsText, texts.emplace_back()) == given::null);
    for (std::size_t i = 0; i < texts.size(); ++i)
      out.push_back(null[i] ? std::nullopt : std::optional<std::string_view>(texts[i]));
    return true;
  });
}

result<array_ptr> exists_kernel(call& c) {
  const texts_of from(c.args[0]), wanted(c.args[1]);
  return fill_booleans(c, [&](std::int64_t row) {
    const auto value = from[row];
    std::string_view found;
    switch (json::kind_of(value)) {
      case json::kind::object:
        return json::find_member(value, wanted[row], found);
      case json::kind::list:
        for (json::members each(value); each.next();)
          if (json::kind_of(each.value()) == json::kind::text && json::means(each.value(), wanted[row])) return true;
        return false;
      case json::kind::text:
        return json::means(value, wanted[row]);
      default:
        return false;
    }
  });
}

template <bool All>
result<array_ptr> exists_some_kernel(call& c) {
  const texts_of from(c.args[0]);
  const lists_of wanted(c.args[1]);
  const auto& names = static_cast<const arrow::StringArray&>(*wanted.elements());
  return fill_booleans(c, [&](std::int64_t row) {
    for (auto at = wanted.begin(row); at < wanted.end(row); ++at) {
      if (names.IsNull(at)) continue;
      std::string_view found;
      const auto value = from[row];
      bool there = json::kind_of(value) == json::kind::object && json::find_member(value, names.GetView(at), found);
      if (json::kind_of(value) == json::kind::list)
        for (json::members each(value); !there && each.next();)
          there = json::kind_of(each.value()) == json::kind::text && json::means(each.value(), names.GetView(at));
      if (there != All) return !All;
    }
    return All;
  });
}

result<array_ptr> valid_kernel(call& c) {
  const texts_of from(c.args[0]);
  return fill_booleans(c, [&](std::int64_t row) { return json::valid(from[row]); });
}

// --- binding ---------------------------------------------------------------------------------------------------------

node_ptr operator_call(binder& b, const call_site& site, type_ptr type, std::vector<node_ptr> inputs, kernel run) {
  return b.call(site.name, std::move(type), std::move(inputs), run, {.form = notation::infix});
}

template <bool AsText>
node_ptr bind_arrow(binder& b, const call_site& site) {
  auto value = json_argument(b, site, 0);
  if (!value) return nullptr;
  const auto& type = AsText ? text() : json_type();
  const auto& by = site.args[1];
  if (is_integer_type(*by.value->type)) {
    auto index = b.coerce(by, arrow::int64(), site.name);
    return index ? operator_call(b, site, type, {std::move(value), std::move(index)}, element_kernel<AsText>) : nullptr;
  }
  auto name = b.coerce(by, text(), site.name);
  return name ? operator_call(b, site, type, {std::move(value), std::move(name)}, member_kernel<AsText>) : nullptr;
}

template <bool AsText>
node_ptr bind_path(binder& b, const call_site& site) {
  auto value = json_argument(b, site, 0);
  auto path = b.coerce(site.args[1], arrow::list(text()), site.name);
  if (!value || !path) return nullptr;
  return operator_call(b, site, AsText ? text() : json_type(), {std::move(value), std::move(path)},
                       path_kernel<AsText>);
}

template <bool AsText>
node_ptr bind_extract(binder& b, const call_site& site) {
  std::vector<node_ptr> inputs = {json_argument(b, site, 0)};
  if (!inputs[0]) return nullptr;
  for (std::size_t i = 1; i < site.args.size(); ++i) {
    inputs.push_back(b.coerce(site.args[i], text(), site.name));
    if (!inputs.back()) return nullptr;
  }
  return b.call(site.name, AsText ? text() : json_type(), std::move(inputs), extract_kernel<AsText>);
}

node_ptr bind_typeof(binder& b, const call_site& site) {
  auto value = json_argument(b, site, 0);
  return value ? b.call(site.name, text(), {std::move(value)}, typeof_kernel) : nullptr;
}

node_ptr bind_length(binder& b, const call_site& site) {
  auto value = json_argument(b, site, 0);
  return value ? b.call(site.name, arrow::int32(), {std::move(value)}, length_kernel) : nullptr;
}

node_ptr bind_keys(binder& b, const call_site& site) {
  auto value = json_argument(b, site, 0);
  return value ? b.call(site.name, arrow::list(text()), {std::move(value)}, keys_kernel) : nullptr;
}

template <bool AsText>
node_ptr bind_elements(binder& b, const call_site& site) {
  auto value = json_argument(b, site, 0);
  return value ? b.call(site.name, arrow::list(AsText ? text() : json_type()), {std::move(value)},
                        elements_kernel<AsText>)
               : nullptr;
}

node_ptr bind_exists(binder& b, const call_site& site) {
  auto value = json_argument(b, site, 0);
  auto name = b.coerce(site.args[1], text(), site.name);
  if (!value || !name) return nullptr;
  return operator_call(b, site, arrow::boolean(), {std::move(value), std::move(name)}, exists_kernel);
}

template <bool All>
node_ptr bind_exists_some(binder& b, const call_site& site) {
  auto value = json_argument(b, site, 0);
  auto names = b.coerce(site.args[1], arrow::list(text()), site.name);
  if (!value || !names) return nullptr;
  return operator_call(b, site, arrow::boolean(), {std::move(value), std::move(names)}, exists_some_kernel<All>);
}

node_ptr bind_valid(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, arrow::boolean(), valid_kernel);
}

}  // namespace

node_ptr json_argument(binder& b, const call_site& site, std::size_t index) {
  return b.coerce(site.args[index], json_type(), site.name);
}

const std::vector<function>& json_access_functions() {
  static const std::vector<function> all = {
      entry("#>", "json", "json #> text[] -> json", "what a path of names and numbers leads to; null where it ends",
            R"(json '{"a":[1,{"b":2}]}' #> array['a','1','b'])", "2", 2, 2, bind_path<false>),
      entry("#>>", "json", "json #>> text[] -> text", "the same as text; a JSON null is null",
            R"(json '{"a":{"b":"x"}}' #>> '{a,b}')", "x", 2, 2, bind_path<true>),
      entry("->", "json", "json -> text, json -> integer -> json",
            "a member of an object, or an element of a list, counted from 0, with negative numbers from the end",
            R"(json '{"a":[5,6]}' -> 'a')", "[5,6]", 2, 2, bind_arrow<false>),
      entry("->>", "json", "json ->> text, json ->> integer -> text", "the same as text; a JSON null is null",
            R"(json '{"a":"x"}' ->> 'a')", "x", 2, 2, bind_arrow<true>),
      entry("?", "json", "json ? text -> boolean", "whether an object has the key, or a list the text",
            R"(jsonb '{"a":1}' ? 'a')", "true", 2, 2, bind_exists),
      entry("?&", "json", "json ?& text[] -> boolean", "whether it has all of them",
            R"(jsonb '{"a":1}' ?& array['a','b'])", "false", 2, 2, bind_exists_some<true>),
      entry("?|", "json", "json ?| text[] -> boolean", "whether it has any of them",
            R"(jsonb '{"a":1}' ?| array['a','b'])", "true", 2, 2, bind_exists_some<false>),
      entry("json_array_elements", "json", "json_array_elements(json) -> json[]", "the elements of a list",
            R"(json_array_elements('[1,"a"]'))", R"([1,"a"])", 1, 1, bind_elements<false>),
      entry("json_array_elements_text", "json", "json_array_elements_text(json) -> text[]",
            "the elements of a list as texts", R"(json_array_elements_text('[1,"a",null]'))", R"(["1","a",null])", 1, 1,
            bind_elements<true>),
      entry("json_array_length", "json", "json_array_length(json) -> integer", "number of elements of a list",
            "json_array_length('[1,2]')", "2", 1, 1, bind_length),
      entry("json_extract_path", "json", "json_extract_path(json, name, ...) -> json",
            "the same as #>, the names as arguments", R"(json_extract_path('{"a":{"b":1}}', 'a', 'b'))", "1", 1,
            any_number, bind_extract<false>),
      entry("json_extract_path_text", "json", "json_extract_path_text(json, name, ...) -> text",
            "the same as #>>, the names as arguments", R"(json_extract_path_text('{"a":{"b":"x"}}', 'a', 'b'))", "x", 1,
            any_number, bind_extract<true>),
      entry("json_object_keys", "json", "json_object_keys(json) -> text[]", "the keys of an object",
            R"(json_object_keys('{"b":1,"a":2}'))", R"(["b","a"])", 1, 1, bind_keys),
      entry("json_typeof", "json", "json_typeof(json) -> text", "object, array, string, number, boolean or null",
            "json_typeof('[1]')", "array", 1, 1, bind_typeof),
      entry("json_valid", "json", "json_valid(text) -> boolean", "whether a text is JSON", "json_valid('{a:1}')",
            "false", 1, 1, bind_valid),
      entry("jsonb_array_elements", "json", "jsonb_array_elements(json) -> json[]", "the elements of a list",
            "jsonb_array_elements('[1]')", "[1]", 1, 1, bind_elements<false>),
      entry("jsonb_array_elements_text", "json", "jsonb_array_elements_text(json) -> text[]",
            "the elements of a list as texts", R"(jsonb_array_elements_text('["a"]'))", R"(["a"])", 1, 1,
            bind_elements<true>),
      entry("jsonb_array_length", "json", "jsonb_array_length(json) -> integer", "number of elements of a list",
            "jsonb_array_length('[1,2]')", "2", 1, 1, bind_length),
      entry("jsonb_extract_path", "json", "jsonb_extract_path(json, name, ...) -> json",
            "the same as #>, the names as arguments", R"(jsonb_extract_path('{"a":[7]}', 'a', '0'))", "7", 1,
            any_number, bind_extract<false>),
      entry("jsonb_extract_path_text", "json", "jsonb_extract_path_text(json, name, ...) -> text",
            "the same as #>>, the names as arguments", R"(jsonb_extract_path_text('{"a":["x"]}', 'a', '0'))", "x", 1,
            any_number, bind_extract<true>),
      entry("jsonb_object_keys", "json", "jsonb_object_keys(json) -> text[]", "the keys of an object",
            R"(jsonb_object_keys('{"a":1}'))", R"(["a"])", 1, 1, bind_keys),
      entry("jsonb_typeof", "json", "jsonb_typeof(json) -> text", "object, array, string, number, boolean or null",
            "jsonb_typeof('1')", "number", 1, 1, bind_typeof),
  };
  return all;
}

}  // namespace sluice::expression
