// jsonb_path_query and its like.
#include "engine/expression/functions/json.hpp"
#include "engine/expression/functions/json_path.hpp"
#include "engine/expression/functions/parts.hpp"
#include "engine/values/types.hpp"

namespace sluice::expression {

namespace {

/// What a path leads to in a row.
struct found_items {
  explicit found_items(const call& c) : path(*static_cast<const json_path*>(c.state)), from(c.args[0]) {}
  void look(std::int64_t row) {
    items.clear();
    made.clear();
    path.find(from[row], items, made);
  }
  const json_path& path;
  texts_of from;
  std::vector<std::string_view> items = {};
  std::deque<std::string> made = {};
};

result<array_ptr> all_kernel(call& c) {
  found_items found(c);
  return build_text_lists(c, [&](std::int64_t row, std::vector<std::optional<std::string_view>>& out) {
    found.look(row);
    for (const auto item : found.items) out.emplace_back(item);
    return true;
  });
}

result<array_ptr> array_kernel(call& c) {
  found_items found(c);
  return build_json(c, [&](std::int64_t row, std::string& out) {
    found.look(row);
    out += '[';
    for (std::size_t i = 0; i < found.items.size(); ++i) out.append(i > 0 ? ", " : "").append(found.items[i]);
    out += ']';
    return given::value;
  });
}

result<array_ptr> first_kernel(call& c) {
  found_items found(c);
  return build_json(c, [&](std::int64_t row, std::string& out) {
    found.look(row);
    if (found.items.empty()) return given::null;
    out.append(found.items[0]);
    return given::value;
  });
}

result<array_ptr> exists_kernel(call& c) {
  found_items found(c);
  return fill_booleans(c, [&](std::int64_t row) {
    found.look(row);
    return !found.items.empty();
  });
}

enum class gives { list, json, boolean };

template <kernel Run, gives Type>
node_ptr bind_query(binder& b, const call_site& site) {
  auto value = json_argument(b, site, 0);
  auto path = b.coerce(site.args[1], arrow::utf8(), site.name);
  if (!value || !path) return nullptr;
  const auto text = constant_text(path);
  if (!text) return b.fault(site.args[1].at, "not_supported_yet", "a JSON path must be a constant text");
  auto parsed = json_path::parse(*text);
  if (!parsed.ok()) {
    auto why = std::move(parsed).problem();
    return b.fault(site.args[1].at, why.code, why.message, why.hint);
  }
  // In the form of jsonb, as PostgreSQL's functions give it.
  value = make_normal_json(b, std::move(value));
  const auto type = Type == gives::list   ? arrow::list(json_type())
                    : Type == gives::json ? json_type()
                                          : arrow::boolean();
  return b.call(site.name, type, {std::move(value), std::move(path)}, Run, {.state = *parsed});
}

}  // namespace

const std::vector<function>& json_query_functions() {
  static const std::vector<function> all = {
      entry("jsonb_path_exists", "json", "jsonb_path_exists(json, path) -> boolean", "whether a path leads to anything",
            R"(jsonb_path_exists('{"a":[1,2]}', '$.a[*] ? (@ > 1)'))", "true", 2, 2,
            bind_query<exists_kernel, gives::boolean>),
      entry("jsonb_path_query", "json", "jsonb_path_query(json, path) -> json[]",
            "all that a path of SQL/JSON leads to: $.a, .*, [*], [0], [last], [0 to 2], .type(), .size(), and "
            "conditions ? (@.x > 1 && @.y == \"z\"), in lax mode",
            R"(jsonb_path_query('{"a":[1,2,3]}', '$.a[*] ? (@ > 1)'))", "[2,3]", 2, 2,
            bind_query<all_kernel, gives::list>),
      entry("jsonb_path_query_array", "json", "jsonb_path_query_array(json, path) -> json", "the same as a JSON list",
            R"(jsonb_path_query_array('{"a":[1,2,3]}', '$.a[0 to 1]'))", "[1, 2]", 2, 2,
            bind_query<array_kernel, gives::json>),
      entry("jsonb_path_query_first", "json", "jsonb_path_query_first(json, path) -> json",
            "the first of them; null where there is none", R"(jsonb_path_query_first('{"a":[1,2]}', '$.a[last]'))", "2",
            2, 2, bind_query<first_kernel, gives::json>),
  };
  return all;
}

}  // namespace sluice::expression
