// Parts of texts, and where they are.
#include "engine/expression/functions/parts.hpp"
#include "engine/expression/functions/support.hpp"
#include "engine/expression/functions/utf8.hpp"

namespace sluice::expression {

namespace {

const type_ptr& text() { return arrow::utf8(); }

// Characters from..from+count-1, counted from 1; those before the text count too, as in PostgreSQL.
std::string_view part_of(std::string_view value, std::int64_t from, std::int64_t count) {
  const auto end = from > INT64_MAX - count ? INT64_MAX : from + count;
  const auto first = std::max<std::int64_t>(from, 1);
  if (end <= first) return {};
  const auto begin_byte = byte_of_character(value, first - 1);
  const auto rest = value.substr(begin_byte);
  return rest.substr(0, byte_of_character(rest, end - first));
}

result<array_ptr> substring_kernel(call& c) {
  const texts_of from(c.args[0]);
  const column_of<std::int64_t> begin(c.args[1]);
  const auto validity = all_valid(c.args, c.rows);
  if (c.args.size() == 2)
    return build_texts(c.type, c.rows, validity, [&](std::int64_t row, text_builder& out) {
      out.append(part_of(from[row], begin[row], INT64_MAX));
    });
  const column_of<std::int64_t> count(c.args[2]);
  row_failures failures(c);
  for_valid(validity, c.rows, [&](std::int64_t row) {
    if (count[row] < 0)
      failures.add(row, "out_of_range", "substring expects a length of 0 or more, found " + std::to_string(count[row]));
  });
  return build_texts(c.type, c.rows, failures.apply(validity), [&](std::int64_t row, text_builder& out) {
    out.append(part_of(from[row], begin[row], count[row]));
  });
}

node_ptr bind_substring(binder& b, const call_site& site) {
  if (is_text_type(*site.args[1].value->type) && site.args.size() == 2) return bind_substring_of_pattern(b, site);
  if (is_text_type(*site.args[1].value->type))
    return b.fault(site.args[1].at, "type_mismatch",
                   "substring expects the position of the first character, found text",
                   "with a pattern write substring(x from 'pattern')");
  return bind_fixed(b, site, {text(), arrow::int64()}, text(), substring_kernel);
}

template <bool Left>
result<array_ptr> side_kernel(call& c) {
  const texts_of from(c.args[0]);
  const column_of<std::int64_t> count(c.args[1]);
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    const auto value = from[row];
    const auto n = count[row];
    if (Left)
      out.append(value.substr(0, n >= 0 ? byte_of_character(value, n) : byte_of_last(value, -n)));
    else
      out.append(value.substr(n >= 0 ? byte_of_last(value, n) : byte_of_character(value, -n)));
  });
}

node_ptr bind_left(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text(), arrow::int64()}, text(), side_kernel<true>);
}
node_ptr bind_right(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text(), arrow::int64()}, text(), side_kernel<false>);
}

// Parts between separators, counted from 1, from the end where negative.
std::string_view split(std::string_view value, std::string_view separator, std::int64_t index) {
  if (separator.empty()) return index == 1 || index == -1 ? value : std::string_view{};
  if (index < 0) {
    std::int64_t count = 1;
    for (auto at = value.find(separator); at != std::string_view::npos;
         at = value.find(separator, at + separator.size()))
      ++count;
    index += count + 1;
    if (index < 1) return {};
  }
  for (std::size_t begin = 0;;) {
    const auto end = value.find(separator, begin);
    if (--index == 0) return value.substr(begin, end == std::string_view::npos ? end : end - begin);
    if (end == std::string_view::npos) return {};
    begin = end + separator.size();
  }
}

result<array_ptr> split_part_kernel(call& c) {
  const texts_of from(c.args[0]);
  const texts_of separator(c.args[1]);
  const column_of<std::int64_t> index(c.args[2]);
  const auto validity = all_valid(c.args, c.rows);
  row_failures failures(c);
  for_valid(validity, c.rows, [&](std::int64_t row) {
    if (index[row] == 0) failures.add(row, "out_of_range", "split_part counts from 1, or from -1 at the end, found 0");
  });
  return build_texts(c.type, c.rows, failures.apply(validity), [&](std::int64_t row, text_builder& out) {
    out.append(split(from[row], separator[row], index[row]));
  });
}

node_ptr bind_split_part(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text(), text(), arrow::int64()}, text(), split_part_kernel);
}

// --- search

template <std::size_t Text, std::size_t Wanted>
result<array_ptr> position_kernel(call& c) {
  const texts_of from(c.args[Text]);
  const texts_of wanted(c.args[Wanted]);
  row_failures failures(c);
  return fill_rows<std::int32_t>(c, failures, [&](std::int64_t row, std::int32_t& out) {
    const auto at = from[row].find(wanted[row]);
    out = at == std::string_view::npos ? 0 : static_cast<std::int32_t>(count_characters(from[row].substr(0, at))) + 1;
  });
}

node_ptr bind_strpos(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, arrow::int32(), position_kernel<0, 1>);
}
node_ptr bind_position(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, arrow::int32(), position_kernel<1, 0>);
}

enum class search { start, end, anywhere };

template <search Where>
result<array_ptr> search_kernel(call& c) {
  const texts_of from(c.args[0]);
  const texts_of wanted(c.args[1]);
  return fill_booleans(c, [&](std::int64_t row) {
    if (Where == search::start) return from[row].starts_with(wanted[row]);
    if (Where == search::end) return from[row].ends_with(wanted[row]);
    return from[row].find(wanted[row]) != std::string_view::npos;
  });
}

template <search Where>
node_ptr bind_search(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, arrow::boolean(), search_kernel<Where>);
}

}  // namespace

const std::vector<function>& text_part_functions() {
  static const std::vector<function> all = {
      entry("contains", "text", "contains(text, part) -> boolean", "true if the text contains the part",
            "contains('sluice', 'lui')", "true", 2, 2, bind_search<search::anywhere>),
      entry("ends_with", "text", "ends_with(text, end) -> boolean", "true if the text ends with end",
            "ends_with('a.csv', '.csv')", "true", 2, 2, bind_search<search::end>),
      entry("left", "text", "left(text, n) -> text", "the first n characters; if n is negative, all but the last -n",
            "left('sluice', 3)", "slu", 2, 2, bind_left),
      entry("position", "text", "position(part in text) -> integer",
            "position of the first occurrence, counted from 1; 0 if there is none", "position('u' in 'sluice')", "3", 2,
            2, bind_position),
      entry("right", "text", "right(text, n) -> text", "the last n characters; if n is negative, all but the first -n",
            "right('sluice', 3)", "ice", 2, 2, bind_right),
      entry("split_part", "text", "split_part(text, separator, n) -> text",
            "the n-th part between separators; counted from the end if n is negative", "split_part('a/b/c', '/', 2)",
            "b", 3, 3, bind_split_part),
      entry("starts_with", "text", "starts_with(text, start) -> boolean", "true if the text starts with start",
            "starts_with('sluice', 'sl')", "true", 2, 2, bind_search<search::start>),
      entry("strpos", "text", "strpos(text, part) -> integer",
            "position of the first occurrence, counted from 1; 0 if there is none", "strpos('sluice', 'ice')", "4", 2,
            2, bind_strpos),
      entry("substr", "text", "substr(text, from, [count]) -> text", "the same as substring", "substr('sluice', 2, 3)",
            "lui", 2, 3, bind_substring),
      entry("substring", "text", "substring(text, from, [count]) -> text",
            "characters from a position, counted from 1; also substring(x from 2 for 3). With a pattern, "
            "substring(x from '(\\d+)'), what its first group holds, or the match",
            "substring('sluice' from 4)", "ice", 2, 3, bind_substring),
  };
  return all;
}

}  // namespace sluice::expression
