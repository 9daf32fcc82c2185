// Casts of lists: element by element, and from texts as PostgreSQL and JSON write lists.
#include "engine/expression/functions/list_values.hpp"
#include "engine/expression/kernels/casts.hpp"
#include "engine/values/json_text.hpp"
#include "engine/values/marked_text.hpp"

#include <optional>

namespace sluice::expression {

namespace {

/// Casts the elements of all lists at once; `parents` are the rows of the elements, for errors.
result<array_ptr> cast_elements(call& c, const array_ptr& elements, const std::vector<std::int64_t>& parents,
                                const type_ptr& from, const type_ptr& to) {
  if (same_type(*from, *to) || elements->length() == 0) {
    if (elements->length() > 0) return elements;
    return make_nulls(to, 0);
  }
  auto* const run = find_cast_kernel(*from, *to);
  frame inner(nullptr, elements->length(), c.in.run);
  const mask everything;
  call cast{c.of, to, {{elements}}, elements->length(), everything, inner, nullptr};
  SLUICE_ASSIGN(auto made, run(cast));
  for (auto& failed : inner.errors) {
    failed.row = parents[static_cast<std::size_t>(failed.row)];
    if (c.active.has(failed.row)) c.in.errors.push_back(std::move(failed));
  }
  return made;
}

array_ptr with_elements(const type_ptr& type, std::int64_t rows, std::vector<std::int32_t> offsets,
                        const array_ptr& elements, buffer_ptr valid) {
  return std::make_shared<arrow::ListArray>(type, rows, arrow::Buffer::FromVector(std::move(offsets)), elements,
                                            std::move(valid));
}

result<array_ptr> list_to_list(call& c) {
  const lists_of lists(c.args[0]);
  const auto rows = c.rows;
  std::vector<std::int32_t> offsets{0};
  std::vector<std::int64_t> parents;
  list_picker picked(rows);
  for (std::int64_t row = 0; row < rows; ++row) {
    const bool null = lists.is_null(row);
    for (auto at = lists.begin(row); !null && at < lists.end(row); ++at) {
      picked.pick(at);
      parents.push_back(row);
    }
    picked.end_row(!null);
  }
  SLUICE_ASSIGN(const auto flat, picked.finish(c.args[0].array->type(), lists.elements()));
  const auto& all = static_cast<const arrow::ListArray&>(*flat);
  SLUICE_ASSIGN(const auto elements,
                cast_elements(c, all.values(), parents, element_type(*c.args[0].array->type()), element_type(*c.type)));
  for (std::int64_t row = 0; row < rows; ++row) offsets.push_back(all.value_offset(row + 1));
  return with_elements(c.type, rows, std::move(offsets), elements, validity_of(*flat));
}

using element_texts = std::vector<std::optional<std::string>>;

bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// {1, "a b", null}; false where it is none. Lists within lists are taken as the texts that they are.
bool read_braces(std::string_view text, element_texts& out) {
  text = text.substr(1, text.size() - 2);
  std::size_t at = 0;
  const auto skip = [&] {
    while (at < text.size() && blank(text[at])) ++at;
  };
  skip();
  if (at == text.size()) return true;
  for (;;) {
    skip();
    std::string value;
    bool quoted = false;
    if (at < text.size() && text[at] == '"') {
      quoted = true;
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\') ++at;
        if (at < text.size()) value += text[at];
      }
      if (at >= text.size()) return false;
      ++at;
      skip();
    } else {
      int depth = 0;
      bool inner_quote = false;
      for (; at < text.size() && (depth > 0 || inner_quote || text[at] != ','); ++at) {
        if (text[at] == '"') inner_quote = !inner_quote;
        if (text[at] == '"' && depth == 0) return false;
        if (text[at] == '\\') {
          if (depth > 0) value += text[at];
          if (++at == text.size()) return false;
        } else if (!inner_quote) {
          depth += text[at] == '{' ? 1 : text[at] == '}' ? -1 : 0;
          if (depth < 0) return false;
        }
        value += text[at];
      }
      while (!value.empty() && blank(value.back())) value.pop_back();
      if (value.empty() || depth > 0) return false;
    }
    const bool null = !quoted && value.size() == 4 && (value[0] | 0x20) == 'n' && (value[1] | 0x20) == 'u' &&
                      (value[2] | 0x20) == 'l' && (value[3] | 0x20) == 'l';
    if (null)
      out.emplace_back();
    else
      out.emplace_back(std::move(value));
    if (at == text.size()) return true;
    if (text[at++] != ',') return false;
  }
}

void read_json(std::string_view text, element_texts& out) {
  for (json::members each(text); each.next();) {
    const auto kind = json::kind_of(each.value());
    if (kind == json::kind::null) {
      out.emplace_back();
    } else if (kind == json::kind::text) {
      json::append_meaning(out.emplace_back(std::string()).value(), each.value());
    } else {
      out.emplace_back(std::string(each.value()));
    }
  }
}

bool read_list(std::string_view text, element_texts& out) {
  const auto value = json::trimmed(text);
  if (value.size() >= 2 && value.front() == '{' && value.back() == '}') return read_braces(value, out);
  if (value.size() < 2 || value.front() != '[' || !json::valid(value)) return false;
  read_json(value, out);
  return true;
}

result<array_ptr> text_to_list(call& c) {
  const texts_of from(c.args[0]);
  const auto valid = all_valid(c.args, c.rows);
  row_failures failures(c);
  std::vector<std::int32_t> offsets{0};
  std::vector<std::int64_t> parents;
  arrow::StringBuilder texts;
  element_texts read;
  arrow::Status good;
  for (std::int64_t row = 0; row < c.rows; ++row) {
    read.clear();
    if ((!valid || get_bit(valid->data(), row)) && !read_list(from[row], read)) {
      read.clear();
      failures.add(row, "invalid_cast",
                   "'" + std::string(from[row]) + "' is not a " + type_name(*c.type) + ": expected {a,b}");
    }
    for (const auto& one : read) {
      if (good.ok()) good = one ? texts.Append(*one) : texts.AppendNull();
      parents.push_back(row);
    }
    offsets.push_back(static_cast<std::int32_t>(parents.size()));
  }
  SLUICE_TRY_ARROW(good, "read lists");
  SLUICE_ASSIGN_ARROW(const auto flat, texts.Finish(), "read lists");
  SLUICE_ASSIGN(const auto elements, cast_elements(c, flat, parents, arrow::utf8(), element_type(*c.type)));
  return with_elements(c.type, c.rows, std::move(offsets), elements, failures.apply(valid));
}

}  // namespace

kernel find_list_cast(const arrow::DataType& from, const arrow::DataType& to) {
  if (to.id() != arrow::Type::LIST) return nullptr;
  const auto& element = *element_type(to);
  if (from.id() == arrow::Type::LIST) {
    const bool possible =
        same_type(*element_type(from), element) || find_cast_kernel(*element_type(from), element) != nullptr;
    return possible ? list_to_list : nullptr;
  }
  if (from.id() != arrow::Type::STRING) return nullptr;
  const bool possible = mark_of(element) == text_mark::none && element.id() == arrow::Type::STRING;
  return possible || find_cast_kernel(*arrow::utf8(), element) != nullptr ? text_to_list : nullptr;
}

}  // namespace sluice::expression
