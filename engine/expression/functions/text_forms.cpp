// Characters and forms of texts: ascii, chr, translate, overlay, format, quotes.
#include "engine/expression/functions/sql_quotes.hpp"
#include "engine/expression/functions/support.hpp"
#include "engine/expression/functions/utf8.hpp"
#include "engine/values/types.hpp"

#include <map>

namespace sluice::expression {

namespace {

const type_ptr& text() { return arrow::utf8(); }

std::uint32_t code_point(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (first < 0x80) return first;
  const auto length = character.size();
  std::uint32_t code = first & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) code = (code << 6) | (static_cast<unsigned char>(character[i]) & 0x3fU);
  return code;
}

void append_code_point(text_builder& out, std::uint32_t code) {
  char bytes[4];
  if (code < 0x80) {
    bytes[0] = static_cast<char>(code);
    return out.append({bytes, 1});
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr std::uint32_t lead[] = {0, 0xc0, 0xe0, 0xf0};
  bytes[0] = static_cast<char>(lead[more] | (code >> (6 * more)));
  for (int i = 1; i <= more; ++i) bytes[i] = static_cast<char>(0x80 | ((code >> (6 * (more - i))) & 0x3f));
  out.append({bytes, static_cast<std::size_t>(more) + 1});
}

result<array_ptr> ascii_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  return fill_rows<std::int32_t>(c, failures, [&](std::int64_t row, std::int32_t& out) {
    const auto value = from[row];
    out = value.empty() ? 0 : static_cast<std::int32_t>(code_point(value.substr(0, character_length(value, 0))));
  });
}

result<array_ptr> chr_kernel(call& c) {
  const column_of<std::int32_t> from(c.args[0]);
  const auto validity = all_valid(c.args, c.rows);
  row_failures failures(c);
  for_valid(validity, c.rows, [&](std::int64_t row) {
    const auto code = from[row];
    if (code < 1 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
      failures.add(row, "out_of_range", "there is no character " + std::to_string(code));
  });
  return build_texts(c.type, c.rows, failures.apply(validity), [&](std::int64_t row, text_builder& out) {
    append_code_point(out, static_cast<std::uint32_t>(from[row]));
  });
}

std::vector<std::string_view> characters_of(std::string_view value) {
  std::vector<std::string_view> all;
  for (std::size_t at = 0; at < value.size();) {
    const auto length = character_length(value, at);
    all.push_back(value.substr(at, length));
    at += length;
  }
  return all;
}

// A character of `wanted` becomes the one at its place in `made`, or is removed where there is none.
result<array_ptr> translate_kernel(call& c) {
  const texts_of from(c.args[0]), wanted(c.args[1]), made(c.args[2]);
  std::map<std::string_view, std::string_view> by;
  std::string_view known_wanted, known_made;
  bool any = false;
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    if (!any || wanted[row] != known_wanted || made[row] != known_made) {
      any = true;
      known_wanted = wanted[row];
      known_made = made[row];
      by.clear();
      const auto to = characters_of(known_made);
      std::size_t at = 0;
      for (const auto each : characters_of(known_wanted)) {
        by.emplace(each, at < to.size() ? to[at] : std::string_view());
        ++at;
      }
    }
    const auto value = from[row];
    for (std::size_t at = 0; at < value.size();) {
      const auto each = value.substr(at, character_length(value, at));
      const auto found = by.find(each);
      out.append(found == by.end() ? each : found->second);
      at += each.size();
    }
  });
}

// overlay(text, new, from, count): the characters there become the new text.
result<array_ptr> overlay_kernel(call& c) {
  const texts_of from(c.args[0]), made(c.args[1]);
  const column_of<std::int64_t> begin(c.args[2]);
  const auto validity = all_valid(c.args, c.rows);
  row_failures failures(c);
  const bool has_count = c.args.size() > 3;
  const column_of<std::int64_t> counts(c.args[has_count ? 3 : 2]);
  for_valid(validity, c.rows, [&](std::int64_t row) {
    if (begin[row] <= 0)
      failures.add(row, "out_of_range", "overlay expects a position of 1 or more, found " + std::to_string(begin[row]));
  });
  return build_texts(c.type, c.rows, failures.apply(validity), [&](std::int64_t row, text_builder& out) {
    const auto value = from[row];
    const auto count = has_count ? counts[row] : count_characters(made[row]);
    out.append(value.substr(0, byte_of_character(value, begin[row] - 1)));
    out.append(made[row]);
    std::int64_t end = 0;
    if (!__builtin_add_overflow(begin[row] - 1, count, &end)) out.append(value.substr(byte_of_character(value, end)));
  });
}

// --- quotes

template <void (*Append)(std::string&, std::string_view)>
result<array_ptr> quote_kernel(call& c) {
  const texts_of from(c.args[0]);
  std::string made;
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    made.clear();
    Append(made, from[row]);
    out.append(made.starts_with(" E") ? std::string_view(made).substr(1) : std::string_view(made));
  });
}

// --- format

struct piece {
  std::string literal;
  char kind = 0;  // s, I, L; 0: the literal
  std::size_t argument = 0;
  std::int64_t width = 0;
  bool left = false;
};

result<array_ptr> format_kernel(call& c) {
  const auto& pieces = *static_cast<const std::vector<piece>*>(c.state);
  row_failures failures(c);
  std::vector<std::optional<texts_of>> texts(c.args.size());
  for (std::size_t i = 0; i < c.args.size(); ++i)
    if (c.args[i].array->type_id() == arrow::Type::STRING) texts[i].emplace(c.args[i]);
  std::string value;
  SLUICE_ASSIGN(
      auto built, build_texts(c.type, c.rows, nullptr, [&](std::int64_t row, text_builder& out) {
        for (const auto& one : pieces) {
          if (one.kind == 0) {
            out.append(one.literal);
            continue;
          }
          const auto& argument = c.args[one.argument];
          const bool null = argument.array->IsNull(argument.constant ? 0 : row);
          value.clear();
          if (null && one.kind == 'I')
            return failures.add(row, "null_value", "format can't write null as an identifier (%I)");
          if (null && one.kind == 'L') value = "NULL";
          if (!null && one.kind == 's') value = (*texts[one.argument])[row];
          if (!null && one.kind == 'I') append_identifier(value, (*texts[one.argument])[row]);
          if (!null && one.kind == 'L') append_literal(value, (*texts[one.argument])[row]);
          const std::string_view shown =
              value.starts_with(" E'") && one.kind == 'L' ? std::string_view(value).substr(1) : std::string_view(value);
          const auto blanks = static_cast<std::size_t>(std::max<std::int64_t>(one.width - count_characters(shown), 0));
          if (!one.left) out.append(std::string(blanks, ' '));
          out.append(shown);
          if (one.left) out.append(std::string(blanks, ' '));
        }
      }));
  if (failures.empty()) return built;
  auto data = built->data()->Copy();
  data->buffers[0] = failures.apply(nullptr);
  data->null_count = arrow::kUnknownNullCount;
  return arrow::MakeArray(std::move(data));
}

// Reads %[n$][-][width]s; the fault is why it can't be.
std::string read_format(std::string_view format, std::size_t arguments, std::vector<piece>& pieces) {
  std::size_t next = 1;
  std::string literal;
  const auto number = [&](std::size_t& at) {
    std::int64_t value = -1;
    while (at < format.size() && format[at] >= '0' && format[at] <= '9' && value < 1'000'000)
      value = (value < 0 ? 0 : value) * 10 + (format[at++] - '0');
    return value;
  };
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      literal += format[at];
      continue;
    }
    if (++at == format.size()) return "ends in a single %; write %% for the sign itself";
    if (format[at] == '%') {
      literal += '%';
      continue;
    }
    piece one;
    auto count = number(at);
    one.argument = next;
    if (count >= 0 && at < format.size() && format[at] == '$') {
      if (count == 0) return "counts its arguments from 1";
      one.argument = static_cast<std::size_t>(count);
      ++at;
      count = -1;
    }
    if (at < format.size() && format[at] == '-') {
      one.left = true;
      ++at;
      count = number(at);
    } else if (count < 0) {
      count = number(at);
    }
    if (at < format.size() && format[at] == '*') return "can't take a width from an argument here";
    one.width = std::max<std::int64_t>(count, 0);
    if (at == format.size() || (format[at] != 's' && format[at] != 'I' && format[at] != 'L'))
      return "has a % that is not followed by s, I or L";
    one.kind = format[at];
    if (one.argument > arguments) return "has more parts than there are arguments";
    next = one.argument + 1;
    if (!literal.empty()) pieces.push_back({.literal = std::exchange(literal, {})});
    pieces.push_back(std::move(one));
  }
  if (!literal.empty()) pieces.push_back({.literal = std::move(literal)});
  return {};
}

result<array_ptr> first_letter_kernel(call& c) {
  const texts_of from(c.args[0]);
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows),
                     [&](std::int64_t row, text_builder& out) { out.append(from[row].substr(0, 1)); });
}

node_ptr bind_format(binder& b, const call_site& site) {
  const auto format = constant_text(b.coerce(site.args[0], text(), "format"));
  if (!format) return b.fault(site.args[0].at, "not_supported_yet", "the format of format must be a constant text");
  auto pieces = std::make_shared<std::vector<piece>>();
  const auto problem = read_format(*format, site.args.size() - 1, *pieces);
  if (!problem.empty()) return b.fault(site.args[0].at, "invalid_literal", "the format '" + *format + "' " + problem);
  std::vector<node_ptr> inputs;
  for (const auto& each : site.args) {
    auto value = b.settle(each);
    const bool boolean = value && value->type->id() == arrow::Type::BOOL;
    if (value && !is_text_type(*value->type)) value = b.cast({value, each.at}, text());
    // Booleans are t and f, as in concat.
    if (value && boolean) value = b.call("left", text(), {value}, first_letter_kernel);
    if (!value) return nullptr;
    inputs.push_back(std::move(value));
  }
  return b.call("format", text(), std::move(inputs), format_kernel,
                {.null_in_null_out = false, .state = std::move(pieces)});
}

result<array_ptr> length_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  return fill_rows<std::int32_t>(c, failures, [&](std::int64_t row, std::int32_t& out) {
    out = static_cast<std::int32_t>(count_characters(from[row]));
  });
}
result<array_ptr> bit_length_kernel(call& c) {
  const texts_of from(c.args[0]);
  row_failures failures(c);
  return fill_rows<std::int32_t>(
      c, failures, [&](std::int64_t row, std::int32_t& out) { out = static_cast<std::int32_t>(from[row].size()) * 8; });
}

node_ptr bind_ascii(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, arrow::int32(), ascii_kernel);
}
node_ptr bind_chr(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::int32()}, text(), chr_kernel);
}
node_ptr bind_length(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, arrow::int32(), length_kernel);
}
node_ptr bind_bit_length(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, arrow::int32(), bit_length_kernel);
}
node_ptr bind_translate(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, text(), translate_kernel);
}
node_ptr bind_overlay(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text(), text(), arrow::int64()}, text(), overlay_kernel);
}
node_ptr bind_btrim(binder& b, const call_site& site) { return find_function("trim")->bind(b, site); }
template <void (*Append)(std::string&, std::string_view)>
node_ptr bind_quote(binder& b, const call_site& site) {
  return bind_fixed(b, site, {text()}, text(), quote_kernel<Append>);
}

}  // namespace

const std::vector<function>& text_form_functions() {
  static const std::vector<function> all = {
      entry("ascii", "text", "ascii(text) -> integer", "the code point of the first character; 0 for an empty text",
            "ascii('x')", "120", 1, 1, bind_ascii),
      entry("bit_length", "text", "bit_length(text) -> integer", "number of bits in UTF-8", "bit_length('é')", "16", 1,
            1, bind_bit_length),
      entry("btrim", "text", "btrim(text, [characters]) -> text", "the same as trim(both characters from text)",
            "btrim('xxax', 'x')", "a", 1, 2, bind_btrim),
      entry("char_length", "text", "char_length(text) -> integer", "the same as length", "char_length('äöü')", "3", 1,
            1, bind_length),
      entry("character_length", "text", "character_length(text) -> integer", "the same as length",
            "character_length('äöü')", "3", 1, 1, bind_length),
      entry("chr", "text", "chr(integer) -> text", "the character with that code point", "chr(228)", "ä", 1, 1,
            bind_chr),
      entry("format", "text", "format(format, x, ...) -> text",
            "puts values into a text: %s as text, %I as an SQL identifier, %L as an SQL literal; %2$s is the second "
            "value, %-10s is padded",
            "format('%s has %s', 'a', 3)", "a has 3", 1, any_number, bind_format),
      entry("overlay", "text", "overlay(text placing new from position [for count]) -> text",
            "the characters from a position on become the new text", "overlay('Txxxxas' placing 'hom' from 2 for 4)",
            "Thomas", 3, 4, bind_overlay),
      entry("quote_ident", "text", "quote_ident(text) -> text",
            "as an SQL identifier, in double quotes where it needs them", "quote_ident('my column')", "\"my column\"",
            1, 1, bind_quote<append_identifier>),
      entry("quote_literal", "text", "quote_literal(text) -> text", "as an SQL literal", "quote_literal('O''Reilly')",
            "'O''Reilly'", 1, 1, bind_quote<append_literal>),
      entry("translate", "text", "translate(text, characters, others) -> text",
            "each character of the first list becomes the one at its place in the second, or is removed",
            "translate('12345', '143', 'ax')", "a2x5", 3, 3, bind_translate),
  };
  return all;
}

}  // namespace sluice::expression
