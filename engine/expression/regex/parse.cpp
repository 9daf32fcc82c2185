// Advanced regular expressions of PostgreSQL ("ARE", chapter 9.7.3 of its manual).
#include "engine/expression/regex/syntax.hpp"

#include <array>
#include <utility>

namespace sluice::expression::regex {

namespace {

using kind = node::kind;

constexpr int most_repeats = 255;
constexpr int deepest = 200;

node_ptr make(node of) { return std::make_shared<const node>(std::move(of)); }

bool is_digit(std::uint32_t c) { return c >= '0' && c <= '9'; }
bool is_blank(std::uint32_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
int digit_of(std::uint32_t c) {
  if (is_digit(c)) return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'z') return static_cast<int>(c - 'a') + 10;
  if (c >= 'A' && c <= 'Z') return static_cast<int>(c - 'A') + 10;
  return 99;
}

const char* const look_hint = "cut the text with split_part, substring or a group: regexp_replace(x, '(a)b', '\\1')";

// What an escape such as \d or \n means.
struct escape {
  enum class kind { character, set, place } what = kind::character;
  std::uint32_t character = 0;
  character_set set = {};
  place where = place::text_begin;
};

class parser {
 public:
  parser(std::string_view pattern, options how, syntax_fault& fault) : how_(how), fault_(fault) {
    const char* at = pattern.data();
    const char* const end = at + pattern.size();
    while (at != end) text_.push_back(take_character(at, end));
  }

  std::optional<parsed_pattern> read() {
    if (!read_prefix()) return std::nullopt;
    parsed_pattern made;
    made.root = how_.literal ? literal_text() : read_alternatives(0);
    if (!made.root) return std::nullopt;
    if (at_ < text_.size()) return fail("has a ) without ("), std::nullopt;
    made.groups = groups_;
    return made;
  }

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

  // ***: and ***= choose a kind of expression, (?flags) set options.
  bool read_prefix() {
    if (how_.literal) return true;
    if (take("***=")) return how_.literal = true;
    if (take("***:")) how_ = {.ignore_case = how_.ignore_case};
    if (starts_with("***")) return fail("begins with ***, which is not : or ="), false;
    if (starts_with("(?") && digit_of(ahead(2)) >= 10 && digit_of(ahead(2)) < 36) {
      at_ += 2;
      std::string flags;
      while (more() && ahead() != ')') flags += static_cast<char>(ahead() < 128 ? text_[at_] : '?'), ++at_;
      char unknown = 0;
      if (!take(")") || !apply_flags(flags, how_, unknown))
        return fail("sets an option (?" + flags + ") that is not known", "options are c, i, m, n, p, q, s, t, w, x"),
               false;
    }
    return true;
  }

  node_ptr literal_text() {
    node made;
    for (; more(); ++at_) made.parts.push_back(characters_of(ahead()));
    return make(std::move(made));
  }

  // Between tokens: (?#comments), and in the expanded syntax blanks and # to the end of the line.
  void pass_over() {
    for (;;) {
      if (starts_with("(?#")) {
        while (more() && ahead() != ')') ++at_;
        take(")");
      } else if (how_.expanded && more() && is_blank(ahead())) {
        ++at_;
      } else if (how_.expanded && ahead() == '#') {
        while (more() && ahead() != '\n') ++at_;
      } else {
        return;
      }
    }
  }

  node_ptr read_alternatives(int depth) {
    if (depth > deepest) return fail("is nested too deeply");
    node made{.what = kind::alternatives};
    do {
      auto branch = read_branch(depth);
      if (!branch) return nullptr;
      made.parts.push_back(std::move(branch));
      pass_over();
    } while (take("|"));
    return made.parts.size() == 1 ? made.parts.front() : make(std::move(made));
  }

  node_ptr read_branch(int depth) {
    node made;
    for (pass_over(); more() && ahead() != '|' && ahead() != ')'; pass_over()) {
      auto part = read_quantified(depth);
      if (!part) return nullptr;
      made.parts.push_back(std::move(part));
    }
    return make(std::move(made));
  }

  [[nodiscard]] bool at_quantifier() const {
    const auto c = ahead();
    return c == '*' || c == '+' || c == '?' || (c == '{' && is_digit(ahead(1)));
  }

  node_ptr read_quantified(int depth) {
    if (at_quantifier()) return fail("has a quantifier with nothing before it");
    auto atom = read_atom(depth);
    if (!atom) return nullptr;
    pass_over();
    if (!at_quantifier()) return atom;
    if (atom->what == kind::place) return fail("has a quantifier behind a place such as ^ or \\y");
    node made{.what = kind::repeat, .parts = {std::move(atom)}, .prefers = true};
    if (!read_quantifier(made)) return nullptr;
    pass_over();
    if (at_quantifier()) return fail("has a quantifier behind a quantifier");
    return make(std::move(made));
  }

  bool read_quantifier(node& into) {
    if (take("*")) {
      into.least = 0, into.most = -1;
    } else if (take("+")) {
      into.least = 1, into.most = -1;
    } else if (take("?")) {
      into.least = 0, into.most = 1;
    } else {
      take("{");
      if (!read_count(into.least)) return false;
      into.most = into.least;
      if (take(",")) {
        into.most = -1;
        if (is_digit(ahead()) && !read_count(into.most)) return false;
      } else {
        into.prefers = false;
      }
      if (!take("}") || (into.most >= 0 && into.most < into.least))
        return fail("has a {m,n} that is not complete, or m is greater than n"), false;
    }
    into.shortest = take("?") && into.prefers;
    return true;
  }

  bool read_count(int& out) {
    out = 0;
    while (is_digit(ahead()) && out <= most_repeats) out = out * 10 + static_cast<int>(text_[at_++] - '0');
    if (out > most_repeats) return fail("repeats more than 255 times"), false;
    return true;
  }

  node_ptr read_atom(int depth) {
    const auto c = text_[at_];
    if (c == '(') return read_group(depth);
    if (c == '[') return read_bracket();
    if (c == '\\') return read_escaped();
    ++at_;
    if (c == '.') {
      node any{.what = kind::characters};
      any.characters.add(0, greatest_character);
      if (how_.dot_stops) any.characters.remove('\n');
      return make(std::move(any));
    }
    if (c == '^') return place_of(how_.line_anchors ? place::line_begin : place::text_begin);
    if (c == '$') return place_of(how_.line_anchors ? place::line_end : place::text_end);
    return characters_of(c);
  }

  static node_ptr place_of(place where) { return make({.what = kind::place, .where = where}); }

  // A character, with its other cases where they do not matter.
  [[nodiscard]] node_ptr characters_of(std::uint32_t c) const {
    node made{.what = kind::characters};
    add_character(made.characters, c);
    made.characters.settle();
    return make(std::move(made));
  }

  void add_character(character_set& to, std::uint32_t c) const {
    if (how_.ignore_case) {
      to.add(lower_of(c), lower_of(c));
      to.add(upper_of(c), upper_of(c));
    } else {
      to.add(c, c);
    }
  }

  node_ptr read_group(int depth) {
    for (const auto* look : {"(?=", "(?!", "(?<=", "(?<!"})
      if (starts_with(look))
        return fail(std::string("looks around with ") + look + "...), which is not supported", look_hint);
    node made{.what = kind::group};
    if (!take("(?:")) {
      take("(");
      if (ahead() == '?') return fail("has a group (? of an unknown kind");
      made.number = ++groups_;
    }
    auto inner = read_alternatives(depth + 1);
    if (!inner) return nullptr;
    if (!take(")")) return fail("has a ( without )");
    made.parts.push_back(std::move(inner));
    return make(std::move(made));
  }

  node_ptr read_escaped() {
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

  bool read_digits(std::uint32_t base, std::size_t least, std::size_t most, std::uint32_t& out) {
    std::size_t count = 0;
    out = 0;
    for (; count < most && more() && digit_of(ahead()) < static_cast<int>(base); ++count, ++at_) {
      out = out * base + static_cast<std::uint32_t>(digit_of(ahead()));
      if (out > greatest_character) break;
    }
    if (count < least || out > greatest_character) return fail("has a \\ with a number that is no character"), false;
    return true;
  }

  bool read_class(const char* name, bool negated, escape& out) {
    out.what = escape::kind::set;
    out.set = *class_named(name);
    if (negated) out.set.negate();
    return true;
  }

  bool read_escape(escape& out, bool in_bracket) {
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

  bool no_escape(std::uint32_t c) {
    fail(std::string("holds \\") + static_cast<char>(c) + ", which has no meaning there");
    return false;
  }

  static bool read_place(std::uint32_t c, escape& out) {
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

  // A back reference, which is refused, or an octal number.
  bool read_number(escape& out) {
    --at_;
    if (ahead() != '0') {
      const auto begin = at_;
      int value = 0;
      while (is_digit(ahead()) && value < 1000) value = value * 10 + static_cast<int>(text_[at_++] - '0');
      if (at_ == begin + 1 || value <= groups_)
        return fail("refers back with \\" + std::to_string(value) + ", which is not supported",
                    "compare the parts yourself, or write them out"),
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

  node_ptr read_bracket() {
    if (take("[[:<:]]")) return place_of(place::word_begin);
    if (take("[[:>:]]")) return place_of(place::word_end);
    take("[");
    const bool negated = take("^");
    node made{.what = kind::characters};
    bool first = true;
    for (; more() && (first || ahead() != ']'); first = false)
      if (!read_range(made.characters, first)) return nullptr;
    if (!take("]")) return fail("has a [ without ]");
    made.characters.settle();
    if (negated) {
      made.characters.negate();
      if (how_.dot_stops) made.characters.remove('\n');
    }
    return make(std::move(made));
  }

  // One element of a bracket: a character, a range, or a class.
  bool read_range(character_set& to, bool first) {
    if (ahead() == '-' && !first && ahead(1) != ']') return fail("has a - in [ ] that is no range"), false;
    std::uint32_t from = 0;
    bool whole_class = false;
    if (!read_element(to, from, whole_class)) return false;
    const bool range = ahead() == '-' && ahead(1) != ']' && at_ + 1 < text_.size();
    if (whole_class) {
      if (range) return fail("has a range in [ ] that begins with a class"), false;
      return true;
    }
    if (!range) return add_character(to, from), true;
    ++at_;
    std::uint32_t until = 0;
    if (!read_element(to, until, whole_class)) return false;
    if (whole_class || until < from) return fail("has a range in [ ] whose end is before its begin"), false;
    to.add(from, until);
    if (how_.ignore_case)
      for (auto c = from; c <= until && c - from < 70'000; ++c) add_character(to, c);
    return true;
  }

  bool read_element(character_set& to, std::uint32_t& character, bool& whole_class) {
    if (ahead() == '\\') {
      escape found;
      if (!read_escape(found, true)) return false;
      character = found.character;
      whole_class = found.what == escape::kind::set;
      if (whole_class) to.add(found.set);
      return true;
    }
    if (starts_with("[:") || starts_with("[.") || starts_with("[=")) return read_named(to, character, whole_class);
    character = text_[at_++];
    return true;
  }

  // [:alpha:], [.x.] and [=x=]
  bool read_named(character_set& to, std::uint32_t& character, bool& whole_class) {
    const auto mark = ahead(1);
    at_ += 2;
    std::string name;
    std::uint32_t last = 0;
    std::size_t count = 0;
    for (; more() && !(ahead() == mark && ahead(1) == ']'); ++at_, ++count) {
      last = ahead();
      name += static_cast<char>(last < 128 ? last : '?');
    }
    if (!more()) return fail("has a [ without ]"), false;
    at_ += 2;
    if (mark != ':') {
      if (count != 1)
        return fail("names a character with [" + std::string(1, static_cast<char>(mark)) + name,
                    "write the character itself"),
               false;
      character = last;
      whole_class = false;
      return true;
    }
    if (how_.ignore_case && (name == "lower" || name == "upper")) name = "alpha";
    const auto found = class_named(name);
    if (!found) return fail("names a class [:" + name + ":] that there is not"), false;
    to.add(*found);
    whole_class = true;
    return true;
  }

  std::vector<std::uint32_t> text_;
  std::size_t at_ = 0;
  options how_;
  syntax_fault& fault_;
  int groups_ = 0;
};

}  // namespace

bool apply_flags(std::string_view flags, options& to, char& unknown) {
  for (const char flag : flags) {
    switch (flag) {
      case 'i':
        to.ignore_case = true;
        break;
      case 'c':
        to.ignore_case = false;
        break;
      case 'm':
      case 'n':
        to.dot_stops = to.line_anchors = true;
        break;
      case 'p':
        to.dot_stops = true;
        to.line_anchors = false;
        break;
      case 'w':
        to.dot_stops = false;
        to.line_anchors = true;
        break;
      case 's':
        to.dot_stops = to.line_anchors = false;
        break;
      case 'q':
        to.literal = true;
        break;
      case 'x':
        to.expanded = true;
        break;
      case 't':
        to.expanded = false;
        break;
      default:
        unknown = flag;
        return false;
    }
  }
  return true;
}

std::optional<parsed_pattern> parse(std::string_view pattern, options how, syntax_fault& fault) {
  return parser(pattern, how, fault).read();
}

}  // namespace sluice::expression::regex
