#include "engine/expression/functions/arrow_call.hpp"
#include "engine/expression/functions/json.hpp"
#include "engine/expression/functions/letter_case.hpp"
#include "engine/expression/functions/list_values.hpp"
#include "engine/expression/functions/utf8.hpp"
#include "engine/expression/operands.hpp"
#include "engine/values/types.hpp"

#include <arrow/compute/api.h>

namespace sluice::expression {

namespace {

const type_ptr& text() { return arrow::utf8(); }

// --- case and length

node_ptr bind_lower(binder& b, const call_site& site) { return bind_fixed(b, site, {text()}, text(), lower_kernel); }
node_ptr bind_upper(binder& b, const call_site& site) { return bind_fixed(b, site, {text()}, text(), upper_kernel); }
node_ptr bind_initcap(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, text(), initcap_kernel);
}
node_ptr bind_reverse(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, text(), arrow_kernel, with_arrow("utf8_reverse"));
}

result<array_ptr> length_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  return fill_rows<std::int32_t>(c, failures, [&](std::int64_t row, std::int32_t& out) {
    out = static_cast<std::int32_t>(count_characters(from[row]));
  });
}

result<array_ptr> octet_length_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  return fill_rows<std::int32_t>(
      c, failures, [&](std::int64_t row, std::int32_t& out) { out = static_cast<std::int32_t>(from[row].size()); });
}

node_ptr bind_length(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, arrow::int32(), length_kernel);
}
node_ptr bind_octet_length(binder& b, const call_site& site) {
  if (site.args[0].value->type->id() == arrow::Type::BINARY)
    return bind_fixed(b, site, {arrow::binary()}, arrow::int32(), octet_length_kernel);
  return bind_fixed(b, site, {text()}, arrow::int32(), octet_length_kernel);
}

// --- changes

bool is_among(std::string_view character, std::string_view set) {
  for (std::size_t at = 0; at < set.size(); at += character_length(set, at))
    if (set.substr(at, character_length(set, at)) == character) return true;
  return false;
}

template <bool Left, bool Right>
result<array_ptr> trim_kernel(call& c) {
  const texts_of from(c.args[0]);
  const auto trimmed = [](std::string_view value, std::string_view set) {
    while (Left && !value.empty()) {
      const auto length = character_length(value, 0);
      if (!is_among(value.substr(0, length), set)) break;
      value.remove_prefix(length);
    }
    while (Right && !value.empty()) {
      const auto begin = byte_of_last(value, 1);
      if (!is_among(value.substr(begin), set)) break;
      value.remove_suffix(value.size() - begin);
    }
    return value;
  };
  const auto validity = all_valid(c.args, c.rows);
  if (c.args.size() == 1)
    return build_texts(c.type, c.rows, validity,
                       [&](std::int64_t row, text_builder& out) { out.append(trimmed(from[row], " ")); });
  const texts_of set(c.args[1]);
  return build_texts(c.type, c.rows, validity,
                     [&](std::int64_t row, text_builder& out) { out.append(trimmed(from[row], set[row])); });
}

template <bool Left, bool Right>
node_ptr bind_trim(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, text(), trim_kernel<Left, Right>);
}

result<array_ptr> replace_kernel(call& c) {
  const texts_of from(c.args[0]);
  const texts_of old_text(c.args[1]);
  const texts_of new_text(c.args[2]);
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    const auto value = from[row];
    const auto wanted = old_text[row];
    std::size_t begin = 0;
    while (!wanted.empty()) {
      const auto at = value.find(wanted, begin);
      if (at == std::string_view::npos) break;
      out.append(value.substr(begin, at - begin));
      out.append(new_text[row]);
      begin = at + wanted.size();
    }
    out.append(value.substr(begin));
  });
}

node_ptr bind_replace(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, text(), replace_kernel);
}

// A value that would be longer than this is a row error, not an attempt to fill the memory.
constexpr std::int64_t longest_text = 16 * 1024 * 1024;

template <bool Left>
result<array_ptr> pad_kernel(call& c) {
  const texts_of from(c.args[0]);
  const column_of<std::int64_t> wanted(c.args[1]);
  const auto validity = all_valid(c.args, c.rows);
  row_failures failures(c);
  for_valid(validity, c.rows, [&](std::int64_t row) {
    if (wanted[row] > longest_text)
      failures.add(row, "out_of_range", "a text of " + std::to_string(wanted[row]) + " characters is too long");
  });
  return build_texts(c.type, c.rows, failures.apply(validity), [&](std::int64_t row, text_builder& out) {
    const auto value = from[row];
    const auto fill = c.args.size() > 2 ? texts_of(c.args[2])[row] : std::string_view(" ");
    const auto missing = wanted[row] - count_characters(value);
    if (missing <= 0) return out.append(value.substr(0, byte_of_character(value, wanted[row])));
    if (!Left) out.append(value);
    const auto fill_length = count_characters(fill);
    if (fill_length > 0) {
      for (auto left = missing; left > 0; left -= fill_length)
        out.append(left >= fill_length ? fill : fill.substr(0, byte_of_character(fill, left)));
    }
    if (Left) out.append(value);
  });
}

template <bool Left>
node_ptr bind_pad(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text(), arrow::int64(), text()}, text(), pad_kernel<Left>);
}

result<array_ptr> repeat_kernel(call& c) {
  const texts_of from(c.args[0]);
  const column_of<std::int64_t> count(c.args[1]);
  const auto validity = all_valid(c.args, c.rows);
  row_failures failures(c);
  for_valid(validity, c.rows, [&](std::int64_t row) {
    if (count[row] > 0 && !from[row].empty() && count[row] > longest_text / static_cast<std::int64_t>(from[row].size()))
      failures.add(row, "out_of_range",
                   "repeating the text " + std::to_string(count[row]) + " times makes it too long");
  });
  return build_texts(c.type, c.rows, failures.apply(validity), [&](std::int64_t row, text_builder& out) {
    if (from[row].empty()) return;
    for (auto left = count[row]; left > 0; --left) out.append(from[row]);
  });
}

node_ptr bind_repeat(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text(), arrow::int64()}, text(), repeat_kernel);
}

// --- joining

result<array_ptr> join_kernel(call& c) {
  const texts_of left(c.args[0]);
  const texts_of right(c.args[1]);
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    out.append(left[row]);
    out.append(right[row]);
  });
}

node_ptr as_text(binder& b, const argument& from) {
  auto settled = b.settle(from);
  return settled ? b.cast({std::move(settled), from.at}, text()) : nullptr;
}

node_ptr bind_join(binder& b, const call_site& site) {
  const bool json_sides = takes_json(site) && (is_json(site.args[0].value) || is_untyped(site.args[0].value)) &&
                          (is_json(site.args[1].value) || is_untyped(site.args[1].value));
  if (json_sides) return bind_json_join(b, site);
  if (is_list(site.args[0].value) || is_list(site.args[1].value)) return bind_list_join(b, site);
  auto left = b.settle(site.args[0]);
  auto right = b.settle(site.args[1]);
  if (!left || !right) return nullptr;
  if (!is_text_type(*left->type) && !is_text_type(*right->type))
    return b.fault(site.at, "type_mismatch",
                   "|| joins texts, found " + type_name(*left->type) + " and " + type_name(*right->type),
                   "cast one side: x::text || y");
  left = as_text(b, {left, site.args[0].at});
  right = as_text(b, {right, site.args[1].at});
  return left && right ? b.call("||", text(), {left, right}, join_kernel, {.form = notation::infix}) : nullptr;
}

// A boolean as t or f: so PostgreSQL writes it inside of concat, while its casts and || write true and false.
result<operand> as_letter(const operand& from) {
  const auto bits = boolean_bits(*from.array);
  SLUICE_ASSIGN(auto letters, build_texts(text(), from.array->length(), validity_of(*from.array),
                                          [&](std::int64_t row, text_builder& out) {
                                            out.append(get_bit(bits->data(), row) ? "t" : "f");
                                          }));
  return operand{std::move(letters), from.constant};
}

// Nulls are left out; concat_ws puts the first argument between the others.
template <bool WithSeparator>
result<array_ptr> concat_kernel(call& c) {
  std::vector<texts_of> parts;
  for (auto& arg : c.args) {
    if (arg.array->type_id() == arrow::Type::BOOL) {
      SLUICE_ASSIGN(arg, as_letter(arg));
    }
    parts.emplace_back(arg);
  }
  const auto is_null = [&](std::size_t part, std::int64_t row) {
    return c.args[part].array->IsNull(c.args[part].constant ? 0 : row);
  };
  const auto validity = WithSeparator ? all_valid({c.args[0]}, c.rows) : nullptr;
  return build_texts(c.type, c.rows, validity, [&](std::int64_t row, text_builder& out) {
    bool first = true;
    for (std::size_t part = WithSeparator ? 1 : 0; part < parts.size(); ++part) {
      if (is_null(part, row)) continue;
      if (WithSeparator && !first) out.append(parts[0][row]);
      out.append(parts[part][row]);
      first = false;
    }
  });
}

template <bool WithSeparator>
node_ptr bind_concat(binder& b, const call_site& site) {
  std::vector<node_ptr> parts;
  for (const auto& arg : site.args) {
    parts.push_back(arg.value->type->id() == arrow::Type::BOOL ? arg.value : as_text(b, arg));
    if (!parts.back()) return nullptr;
  }
  return b.call(site.name, text(), std::move(parts), concat_kernel<WithSeparator>, {.null_in_null_out = false});
}

}  // namespace

const std::vector<function>& text_functions() {
  static const std::vector<function> all = {
      entry("||", "text", "text || text -> text", "joins two texts; other types are converted to text", "'a' || 1",
            "a1", 2, 2, bind_join),
      entry("concat", "text", "concat(x, ...) -> text",
            "joins values; nulls are ignored; booleans are written as t and f", "concat('a', null, 1)", "a1", 1,
            any_number, bind_concat<false>),
      entry("concat_ws", "text", "concat_ws(separator, x, ...) -> text",
            "joins values with a separator; nulls are ignored", "concat_ws('-', 'a', null, 'b')", "a-b", 2, any_number,
            bind_concat<true>),
      entry("initcap", "text", "initcap(text) -> text",
            "first letter of each word in upper case, all others in lower case; words consist of letters and digits",
            "initcap('new YORK')", "New York", 1, 1, bind_initcap),
      entry("length", "text", "length(text) -> integer", "number of characters", "length('Köln')", "4", 1, 1,
            bind_length),
      entry("lower", "text", "lower(text) -> text", "the text in lower case", "lower('ÄB')", "äb", 1, 1, bind_lower),
      entry("lpad", "text", "lpad(text, length, [fill]) -> text",
            "pads on the left to a length; a longer text is cut on the right", "lpad('7', 3, '0')", "007", 2, 3,
            bind_pad<true>),
      entry("ltrim", "text", "ltrim(text, [characters]) -> text",
            "removes blanks (or the given characters) on the left", "ltrim('007', '0')", "7", 1, 2,
            bind_trim<true, false>),
      entry("octet_length", "text", "octet_length(text or bytea) -> integer", "number of bytes", "octet_length('Köln')",
            "5", 1, 1, bind_octet_length),
      entry("repeat", "text", "repeat(text, n) -> text", "the text repeated n times", "repeat('ab', 3)", "ababab", 2, 2,
            bind_repeat),
      entry("replace", "text", "replace(text, old, new) -> text", "replaces every occurrence of old with new",
            "replace('1,234', ',', '')", "1234", 3, 3, bind_replace),
      entry("reverse", "text", "reverse(text) -> text", "the characters in reverse order", "reverse('abc')", "cba", 1,
            1, bind_reverse),
      entry("rpad", "text", "rpad(text, length, [fill]) -> text", "pads on the right to a length; a longer text is cut",
            "rpad('ab', 4, '.')", "ab..", 2, 3, bind_pad<false>),
      entry("rtrim", "text", "rtrim(text, [characters]) -> text",
            "removes blanks (or the given characters) on the right", "rtrim('1.500', '0')", "1.5", 1, 2,
            bind_trim<false, true>),
      entry("trim", "text", "trim(text, [characters]) -> text",
            "removes blanks (or the given characters) at both ends; also trim(both 'x' from y)", "trim('  a ')", "a", 1,
            2, bind_trim<true, true>),
      entry("upper", "text", "upper(text) -> text", "the text in upper case", "upper('Äb')", "ÄB", 1, 1, bind_upper),
  };
  return all;
}

}  // namespace sluice::expression
