// Advanced regular expressions of PostgreSQL ("ARE", chapter 9.7.3 of its manual).
#include "engine/expression/regex/parser.hpp"

namespace sluice::expression::regex {

namespace {

using kind = node::kind;

constexpr int most_repeats = 255;
constexpr int deepest = 200;

bool is_blank(std::uint32_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

const char* const look_hint = "use split_part, substring or a group instead: regexp_replace(x, '(a)b', '\\1')";

}  // namespace

parser::parser(std::string_view pattern, options how, syntax_fault& fault) : how_(how), fault_(fault) {
  const char* at = pattern.data();
  const char* const end = at + pattern.size();
  while (at != end) text_.push_back(take_character(at, end));
}

std::optional<parsed_pattern> parser::read() {
  if (!read_prefix()) return std::nullopt;
  parsed_pattern made;
  made.root = how_.literal ? literal_text() : read_alternatives(0);
  if (!made.root) return std::nullopt;
  if (at_ < text_.size()) return fail("has a ) without ("), std::nullopt;
  made.groups = groups_;
  return made;
}

bool parser::read_prefix() {
  if (how_.literal) return true;
  if (take("***=")) return how_.literal = true;
  if (take("***:")) how_ = {.ignore_case = how_.ignore_case};
  if (starts_with("***")) return fail("begins with ***, but not with ***: or ***="), false;
  if (starts_with("(?") && digit_of(ahead(2)) >= 10 && digit_of(ahead(2)) < 36) {
    at_ += 2;
    std::string flags;
    while (more() && ahead() != ')') flags += static_cast<char>(ahead() < 128 ? text_[at_] : '?'), ++at_;
    char unknown = 0;
    if (!take(")") || !apply_flags(flags, how_, unknown))
      return fail("sets the unknown option (?" + flags + ")", "options are c, i, m, n, p, q, s, t, w, x"), false;
  }
  return true;
}

node_ptr parser::literal_text() {
  node made;
  for (; more(); ++at_) made.parts.push_back(characters_of(ahead()));
  return make(std::move(made));
}

void parser::pass_over() {
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

node_ptr parser::read_alternatives(int depth) {
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

node_ptr parser::read_branch(int depth) {
  node made;
  for (pass_over(); more() && ahead() != '|' && ahead() != ')'; pass_over()) {
    auto part = read_quantified(depth);
    if (!part) return nullptr;
    made.parts.push_back(std::move(part));
  }
  return make(std::move(made));
}

bool parser::at_quantifier() const {
  const auto c = ahead();
  return c == '*' || c == '+' || c == '?' || (c == '{' && is_digit(ahead(1)));
}

node_ptr parser::read_quantified(int depth) {
  if (at_quantifier()) return fail("has a quantifier with nothing before it");
  auto atom = read_atom(depth);
  if (!atom) return nullptr;
  pass_over();
  if (!at_quantifier()) return atom;
  if (atom->what == kind::place) return fail("has a quantifier after an anchor such as ^ or \\y");
  node made{.what = kind::repeat, .parts = {std::move(atom)}, .prefers = true};
  if (!read_quantifier(made)) return nullptr;
  pass_over();
  if (at_quantifier()) return fail("has a quantifier after a quantifier");
  return make(std::move(made));
}

bool parser::read_quantifier(node& into) {
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

bool parser::read_count(int& out) {
  out = 0;
  while (is_digit(ahead()) && out <= most_repeats) out = out * 10 + static_cast<int>(text_[at_++] - '0');
  if (out > most_repeats) return fail("repeats more than 255 times"), false;
  return true;
}

node_ptr parser::read_atom(int depth) {
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

node_ptr parser::characters_of(std::uint32_t c) const {
  node made{.what = kind::characters};
  add_character(made.characters, c);
  made.characters.settle();
  return make(std::move(made));
}

void parser::add_character(character_set& to, std::uint32_t c) const {
  if (how_.ignore_case) {
    to.add(lower_of(c), lower_of(c));
    to.add(upper_of(c), upper_of(c));
  } else {
    to.add(c, c);
  }
}

node_ptr parser::read_group(int depth) {
  for (const auto* look : {"(?=", "(?!", "(?<=", "(?<!"})
    if (starts_with(look))
      return fail(std::string("uses lookaround ") + look + "...), which is not supported", look_hint);
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
