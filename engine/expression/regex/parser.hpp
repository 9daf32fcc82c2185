#pragma once

#include "engine/expression/regex/syntax.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::expression::regex {

/// What an escape such as \d or \n means.
struct escape {
  enum class kind { character, set, place } what = kind::character;
  std::uint32_t character = 0;
  character_set set = {};
  place where = place::text_begin;
};

inline node_ptr make(node of) { return std::make_shared<const node>(std::move(of)); }

inline bool is_digit(std::uint32_t c) { return c >= '0' && c <= '9'; }
/// The value of a digit of base 36 or less; 99 for any other character.
inline int digit_of(std::uint32_t c) {
  if (is_digit(c)) return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'z') return static_cast<int>(c - 'a') + 10;
  if (c >= 'A' && c <= 'Z') return static_cast<int>(c - 'A') + 10;
  return 99;
}

/// Reads one pattern. What gives a node or a bool gives null or false where it has set the fault.
class parser {
 public:
  parser(std::string_view pattern, options how, syntax_fault& fault);
  std::optional<parsed_pattern> read();

 private:
  node_ptr fail(std::string message, std::string hint = "") {
    if (fault_.message.empty()) fault_ = {std::move(message), std::move(hint)};
    return nullptr;
  }
  [[nodiscard]] bool more() const { return at_ < text_.size(); }
  [[nodiscard]] std::uint32_t ahead(std::size_t by = 0) const {
    return at_ + by < text_.size() ? text_[at_ + by] : UINT32_MAX;
  }
  [[nodiscard]] bool starts_with(std::string_view wanted) const {
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (ahead(i) != static_cast<unsigned char>(wanted[i])) return false;
    return true;
  }
  bool take(std::string_view wanted) {
    if (!starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }
  /// ***: and ***= choose a kind of expression, (?flags) set options.
  bool read_prefix();
  node_ptr literal_text();
  /// Between tokens: (?#comments), and in the expanded syntax blanks and # to the end of the line.
  void pass_over();
  node_ptr read_alternatives(int depth);
  node_ptr read_branch(int depth);
  [[nodiscard]] bool at_quantifier() const;
  node_ptr read_quantified(int depth);
  bool read_quantifier(node& into);
  bool read_count(int& out);
  node_ptr read_atom(int depth);
  static node_ptr place_of(place where) { return make({.what = node::kind::place, .where = where}); }
  /// A character, with its other cases where they do not matter.
  [[nodiscard]] node_ptr characters_of(std::uint32_t c) const;
  void add_character(character_set& to, std::uint32_t c) const;
  node_ptr read_group(int depth);

  // escapes: parse_escapes.cpp
  node_ptr read_escaped();
  bool read_digits(std::uint32_t base, std::size_t least, std::size_t most, std::uint32_t& out);
  bool read_class(const char* name, bool negated, escape& out);
  bool read_escape(escape& out, bool in_bracket);
  bool no_escape(std::uint32_t c);
  static bool read_place(std::uint32_t c, escape& out);
  /// A back reference, which is refused, or an octal number.
  bool read_number(escape& out);

  // brackets: parse_brackets.cpp
  node_ptr read_bracket();
  /// One element of a bracket: a character, a range, or a class.
  bool read_range(character_set& to, bool first);
  bool read_element(character_set& to, std::uint32_t& character, bool& whole_class);
  /// [:alpha:], [.x.] and [=x=]
  bool read_named(character_set& to, std::uint32_t& character, bool& whole_class);

  std::vector<std::uint32_t> text_;
  std::size_t at_ = 0;
  options how_;
  syntax_fault& fault_;
  int groups_ = 0;
};

}  // namespace sluice::expression::regex
