// What stands behind a backslash.
#include "engine/expression/regex/parser.hpp"

#include <array>
#include <utility>

namespace sluice::expression::regex {

using kind = node::kind;

node_ptr parser::read_escaped() {
  escape found;
  if (!read_escape(found, false)) return nullptr;
  switch (found.what) {
    case escape::kind::place:
      return place_of(found.where);
    case escape::kind::set:
      return make({.what = kind::characters, .characters = std::move(found.set)});
    default:
      return characters_of(found.character);
  }
}

bool parser::read_digits(std::uint32_t base, std::size_t least, std::size_t most, std::uint32_t& out) {
  std::size_t count = 0;
  out = 0;
  for (; count < most && more() && digit_of(ahead()) < static_cast<int>(base); ++count, ++at_) {
    out = out * base + static_cast<std::uint32_t>(digit_of(ahead()));
    if (out > greatest_character) break;
  }
  if (count < least || out > greatest_character) return fail("has a \\ with a number that is not a character"), false;
  return true;
}

bool parser::read_class(const char* name, bool negated, escape& out) {
  out.what = escape::kind::set;
  out.set = *class_named(name);
  if (negated) out.set.negate();
  return true;
}

bool parser::read_escape(escape& out, bool in_bracket) {
  ++at_;
  if (!more()) return fail("ends in a \\"), false;
  const auto c = text_[at_++];
  out.character = c;
  const bool alphanumeric = c < 128 && digit_of(c) < 36;
  if (!alphanumeric) return true;
  static constexpr std::array<std::pair<char, char>, 9> named = {{{'a', '\a'},
                                                                  {'b', '\b'},
                                                                  {'B', '\\'},
                                                                  {'e', '\033'},
                                                                  {'f', '\f'},
                                                                  {'n', '\n'},
                                                                  {'r', '\r'},
                                                                  {'t', '\t'},
                                                                  {'v', '\v'}}};
  for (const auto& [letter, meant] : named)
    if (c == static_cast<std::uint32_t>(letter)) return out.character = static_cast<unsigned char>(meant), true;
  switch (c) {
    case 'c':
      if (!more()) return fail("ends in \\c"), false;
      out.character = text_[at_++] & 31;
      return true;
    case 'u':
      return read_digits(16, 4, 4, out.character);
    case 'U':
      return read_digits(16, 8, 8, out.character);
    case 'x':
      return read_digits(16, 1, 255, out.character);
    case 'd':
    case 'D':
      return read_class("digit", c == 'D', out);
    case 's':
    case 'S':
      return read_class("space", c == 'S', out);
    case 'w':
    case 'W':
      return read_class("word", c == 'W', out);
    default:
      return is_digit(c) ? read_number(out) : !in_bracket && read_place(c, out) ? true : no_escape(c);
  }
}

bool parser::no_escape(std::uint32_t c) {
  fail(std::string("holds \\") + static_cast<char>(c) + ", which has no meaning there");
  return false;
}

bool parser::read_place(std::uint32_t c, escape& out) {
  static constexpr std::array<std::pair<char, place>, 6> places = {{{'A', place::text_begin},
                                                                    {'Z', place::text_end},
                                                                    {'m', place::word_begin},
                                                                    {'M', place::word_end},
                                                                    {'y', place::word_edge},
                                                                    {'Y', place::no_word_edge}}};
  out.what = escape::kind::place;
  for (const auto& [letter, where] : places)
    if (c == static_cast<std::uint32_t>(letter)) return out.where = where, true;
  return false;
}

bool parser::read_number(escape& out) {
  --at_;
  if (ahead() != '0') {
    const auto begin = at_;
    int value = 0;
    while (is_digit(ahead()) && value < 1000) value = value * 10 + static_cast<int>(text_[at_++] - '0');
    if (at_ == begin + 1 || value <= groups_)
      return fail("uses the back-reference \\" + std::to_string(value) + ", which is not supported",
                  "write the repeated part out, or compare the parts in a condition"),
             false;
    at_ = begin;
  }
  if (!read_digits(8, 1, 3, out.character)) return false;
  if (out.character > 255) {
    --at_;
    out.character >>= 3;
  }
  return true;
}

}  // namespace sluice::expression::regex
