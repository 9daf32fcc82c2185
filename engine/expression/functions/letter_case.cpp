#include "engine/expression/functions/letter_case.hpp"

#include "engine/expression/columns.hpp"
#include "engine/expression/functions/utf8.hpp"

#include <arrow/compute/api.h>

#include <clocale>
#include <cwctype>

namespace sluice::expression {

namespace {

constexpr std::string_view sharp_s = "\xc3\x9f";

result<array_ptr> mapped(const char* function, const array_ptr& from) {
  auto made = arrow::compute::CallFunction(function, {arrow::Datum(from)});
  if (!made.ok()) return from_arrow(made.status(), std::string("evaluate ") + function);
  return made->make_array();
}

std::string_view character_at(std::string_view text, std::size_t at) {
  return text.substr(at, character_length(text, at));
}

wchar_t code_point(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return static_cast<wchar_t>(lead);
  auto code = static_cast<std::uint32_t>(lead & (0xffU >> (character.size() + 1)));
  for (const char next : character.substr(1)) code = (code << 6) | (static_cast<unsigned char>(next) & 0x3fU);
  return static_cast<wchar_t>(code);
}

// By the C library's tables, as PostgreSQL does it.
bool is_letter_or_digit(std::string_view character) {
  static const locale_t letters = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  const auto code = code_point(character);
  if (code < 0x80) return (code >= '0' && code <= '9') || ((code | 0x20) >= 'a' && (code | 0x20) <= 'z');
  return letters != nullptr ? iswalnum_l(static_cast<wint_t>(code), letters) != 0 : true;
}

// Arrow gives ß the capital that Unicode added later, which no simple mapping has.
result<array_ptr> upper_of(const array_ptr& from) {
  SLUICE_ASSIGN(auto upper, mapped("utf8_upper", from));
  const texts_of before({from});
  const auto rows = from->length();
  const std::string_view all(before.bytes + before.offsets[0],
                             static_cast<std::size_t>(before.offsets[rows] - before.offsets[0]));
  if (all.find(sharp_s) == std::string_view::npos) return upper;
  const texts_of after({upper});
  return build_texts(from->type(), rows, validity_of(*from), [&](std::int64_t row, text_builder& out) {
    const auto text = before[row];
    const auto raised = after[row];
    for (std::size_t at = 0, there = 0; at < text.size();) {
      const auto character = character_at(text, at);
      const auto instead = character_at(raised, there);
      out.append(character == sharp_s ? character : instead);
      at += character.size();
      there += instead.size();
    }
  });
}

}  // namespace

result<array_ptr> lower_kernel(call& c) { return mapped("utf8_lower", c.args[0].array); }

result<array_ptr> upper_kernel(call& c) { return upper_of(c.args[0].array); }

result<array_ptr> initcap_kernel(call& c) {
  const auto& from = c.args[0].array;
  SLUICE_ASSIGN(const auto lower, mapped("utf8_lower", from));
  SLUICE_ASSIGN(const auto upper, upper_of(from));
  const texts_of small({lower});
  const texts_of large({upper});
  const texts_of texts({from});
  return build_texts(c.type, c.rows, validity_of(*from), [&](std::int64_t row, text_builder& out) {
    bool inside = false;
    for (std::size_t at = 0, at_small = 0, at_large = 0; at < texts[row].size();) {
      const auto lowered = character_at(small[row], at_small);
      const auto raised = character_at(large[row], at_large);
      out.append(inside ? lowered : raised);
      inside = is_letter_or_digit(inside ? lowered : raised);
      at += character_length(texts[row], at);
      at_small += lowered.size();
      at_large += raised.size();
    }
  });
}

}  // namespace sluice::expression
