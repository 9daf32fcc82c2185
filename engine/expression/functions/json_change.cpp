// JSON out of JSON: joined, set, stripped, laid out.
#include "engine/expression/functions/json.hpp"
#include "engine/expression/functions/list_values.hpp"
#include "engine/expression/operands.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_text.hpp"

#include <charconv>

namespace sluice::expression {

namespace {

using json::kind;

void normalise(std::string& out) {
  std::string normal;
  json::append_normal(normal, out);
  out = std::move(normal);
}

// What is inside of the brackets; a single value stands for itself.
std::string_view inner(std::string_view value) {
  return json::kind_of(value) == kind::list ? value.substr(1, value.size() - 2) : value;
}

void append_joined(std::string& out, std::string_view left, std::string_view right) {
  const bool objects = json::kind_of(left) == kind::object && json::kind_of(right) == kind::object;
  const auto a = json::trimmed(objects ? left.substr(1, left.size() - 2) : inner(left));
  const auto b = json::trimmed(objects ? right.substr(1, right.size() - 2) : inner(right));
  out += objects ? '{' : '[';
  out.append(a);
  if (!a.empty() && !b.empty()) out += ',';
  out.append(b);
  out += objects ? '}' : ']';
}

result<array_ptr> join_kernel(call& c) {
  const texts_of left(c.args[0]), right(c.args[1]);
  return build_json(c, [&](std::int64_t row, std::string& out) {
    append_joined(out, left[row], right[row]);
    normalise(out);
    return given::value;
  });
}

result<array_ptr> contains_kernel(call& c) {
  const texts_of whole(c.args[0]), part(c.args[1]);
  return fill_booleans(c, [&](std::int64_t row) { return json::contains(whole[row], part[row]); });
}

void append_stripped(std::string& out, std::string_view value) {
  const auto of = json::kind_of(value);
  if (of != kind::object && of != kind::list) {
    out.append(value);
    return;
  }
  out += of == kind::object ? '{' : '[';
  bool first = true;
  for (json::members each(value); each.next();) {
    if (of == kind::object && json::kind_of(each.value()) == kind::null) continue;
    if (!first) out += ',';
    first = false;
    if (of == kind::object) out.append(each.key()).append(":");
    append_stripped(out, each.value());
  }
  out += of == kind::object ? '}' : ']';
}

template <bool Normal>
result<array_ptr> strip_kernel(call& c) {
  const texts_of from(c.args[0]);
  return build_json(c, [&](std::int64_t row, std::string& out) {
    append_stripped(out, from[row]);
    if (Normal) normalise(out);
    return given::value;
  });
}

void append_pretty(std::string& out, std::string_view value, std::size_t depth) {
  const auto of = json::kind_of(value);
  if (of != kind::object && of != kind::list) {
    out.append(value);
    return;
  }
  constexpr std::size_t step = 4;
  out += of == kind::object ? '{' : '[';
  bool first = true;
  for (json::members each(value); each.next(); first = false) {
    out += first ? "\n" : ",\n";
    out.append((depth + 1) * step, ' ');
    if (of == kind::object) out.append(each.key()).append(": ");
    append_pretty(out, each.value(), depth + 1);
  }
  out.append("\n").append(depth * step, ' ');
  out += of == kind::object ? '}' : ']';
}

result<array_ptr> pretty_kernel(call& c) {
  const texts_of from(c.args[0]);
  std::string normal;
  return build_json(c, [&](std::int64_t row, std::string& out) {
    normal.clear();
    json::append_normal(normal, from[row]);
    append_pretty(out, normal, 0);
    return given::value;
  });
}

/// Sets, or takes away where there is no `fresh`, what a path leads to.
class setter {
 public:
  setter(std::vector<std::string_view> path, const std::string_view* fresh, bool create)
      : path_(std::move(path)), fresh_(fresh), create_(create) {}

  void append(std::string& out, std::string_view value, std::size_t at = 0) const {
    const auto of = json::kind_of(value);
    if (at == path_.size() || (of != kind::object && of != kind::list)) {
      out.append(value);
      return;
    }
    of == kind::object ? object(out, value, at) : list(out, value, at);
  }

 private:
  void object(std::string& out, std::string_view value, std::size_t at) const {
    const bool last = at + 1 == path_.size();
    bool found = false, first = true;
    out += '{';
    for (json::members each(value); each.next();) {
      const bool here = json::means(each.key(), path_[at]);
      found = found || here;
      if (here && last && fresh_ == nullptr) continue;
      if (!first) out += ',';
      first = false;
      out.append(each.key()).append(":");
      member(out, each.value(), at, here);
    }
    if (!found && last && create_ && fresh_ != nullptr) {
      if (!first) out += ',';
      append_json_text(out, path_[at]);
      out.append(":").append(*fresh_);
    }
    out += '}';
  }

  void list(std::string& out, std::string_view value, std::size_t at) const {
    const bool last = at + 1 == path_.size();
    const auto count = json::count_of(value);
    std::int64_t wanted = 0;
    const auto by = path_[at];
    const auto read = std::from_chars(by.data(), by.data() + by.size(), wanted);
    const bool number = read.ec == std::errc{} && read.ptr == by.data() + by.size();
    const bool in_front = number && wanted < -count;
    if (number && wanted < 0) wanted += count;
    const bool missing = number && last && create_ && fresh_ != nullptr && (wanted < 0 || wanted >= count);
    bool first = true;
    const auto separate = [&] {
      if (!first) out += ',';
      first = false;
    };
    out += '[';
    if (missing && in_front) separate(), out.append(*fresh_);
    std::int64_t index = 0;
    for (json::members each(value); each.next(); ++index) {
      const bool here = number && index == wanted;
      if (here && last && fresh_ == nullptr) continue;
      separate();
      member(out, each.value(), at, here);
    }
    if (missing && !in_front) separate(), out.append(*fresh_);
    out += ']';
  }

  void member(std::string& out, std::string_view value, std::size_t at, bool here) const {
    if (!here)
      out.append(value);
    else if (at + 1 == path_.size())
      out.append(*fresh_);
    else
      append(out, value, at + 1);
  }

  std::vector<std::string_view> path_;
  const std::string_view* fresh_;
  bool create_;
};

template <bool Delete>
result<array_ptr> set_kernel(call& c) {
  const texts_of from(c.args[0]), fresh(c.args[Delete ? 0 : 2]);
  const lists_of paths(c.args[1]);
  const auto& steps = static_cast<const arrow::StringArray&>(*paths.elements());
  const bool has_create = c.args.size() > 3;
  return build_json(c, [&](std::int64_t row, std::string& out) {
    std::vector<std::string_view> path;
    for (auto at = paths.begin(row); at < paths.end(row); ++at) {
      if (steps.IsNull(at)) return fail_row(c, row, "null_value", "a name in the path is null");
      path.push_back(steps.GetView(at));
    }
    const auto value = fresh[row];
    const bool create =
        !has_create || static_cast<const arrow::BooleanArray&>(*c.args[3].array).Value(c.args[3].constant ? 0 : row);
    setter(std::move(path), Delete ? nullptr : &value, create).append(out, from[row]);
    normalise(out);
    return given::value;
  });
}

node_ptr bind_set(binder& b, const call_site& site) {
  return bind_fixed(b, site, {json_type(), arrow::list(arrow::utf8()), json_type(), arrow::boolean()}, json_type(),
                    set_kernel<false>);
}

node_ptr bind_delete_path(binder& b, const call_site& site) {
  auto value = json_argument(b, site, 0);
  auto path = b.coerce(site.args[1], arrow::list(arrow::utf8()), site.name);
  return value && path ? b.call("#-", json_type(), {std::move(value), std::move(path)}, set_kernel<true>,
                                {.form = notation::infix})
                       : nullptr;
}

template <bool Normal>
node_ptr bind_strip(binder& b, const call_site& site) {
  return bind_fixed(b, site, {json_type()}, json_type(), strip_kernel<Normal>);
}

node_ptr bind_pretty(binder& b, const call_site& site) {
  return bind_fixed(b, site, {json_type()}, arrow::utf8(), pretty_kernel);
}

}  // namespace

node_ptr bind_json_contains(binder& b, const call_site& site, bool swapped) {
  auto left = json_argument(b, site, 0);
  auto right = json_argument(b, site, 1);
  if (!left || !right) return nullptr;
  if (swapped) std::swap(left, right);
  return b.call("@>", arrow::boolean(), {std::move(left), std::move(right)}, contains_kernel,
                {.form = notation::infix});
}

node_ptr bind_json_join(binder& b, const call_site& site) {
  auto left = json_argument(b, site, 0);
  auto right = json_argument(b, site, 1);
  if (!left || !right) return nullptr;
  return b.call("||", json_type(), {std::move(left), std::move(right)}, join_kernel, {.form = notation::infix});
}

const std::vector<function>& json_change_functions() {
  static const std::vector<function> all = {
      entry("#-", "json", "json #- text[] -> json", "without what the path leads to",
            R"(jsonb '{"a":[1,2]}' #- '{a,0}')", R"({"a": [2]})", 2, 2, bind_delete_path),
      entry("json_strip_nulls", "json", "json_strip_nulls(json) -> json", "without the members that are null",
            R"(json_strip_nulls('{"a":null,"b":1}'))", R"({"b":1})", 1, 1, bind_strip<false>),
      entry("jsonb_pretty", "json", "jsonb_pretty(json) -> text", "laid out over lines, four blanks a level",
            "jsonb_pretty('7')", "7", 1, 1, bind_pretty),
      entry("jsonb_set", "json", "jsonb_set(json, path, x [, create]) -> json",
            "with x where the path leads to; a member or element that is missing is added, unless create is false",
            R"(jsonb_set('{"a":1}', '{b}', '2'))", R"({"a": 1, "b": 2})", 3, 4, bind_set),
      entry("jsonb_strip_nulls", "json", "jsonb_strip_nulls(json) -> json", "without the members that are null",
            R"(jsonb_strip_nulls('{"a":null,"b":1}'))", R"({"b": 1})", 1, 1, bind_strip<true>),
  };
  return all;
}

}  // namespace sluice::expression
