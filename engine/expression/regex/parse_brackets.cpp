// What stands in [ ].
#include "engine/expression/regex/parser.hpp"

namespace sluice::expression::regex {

using kind = node::kind;

node_ptr parser::read_bracket() {
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

bool parser::read_range(character_set& to, bool first) {
  if (ahead() == '-' && !first && ahead(1) != ']') return fail("has a - in [ ] that is not a range"), false;
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
  if (whole_class || until < from) return fail("has a range in [ ] whose end is before its start"), false;
  to.add(from, until);
  if (how_.ignore_case)
    for (auto c = from; c <= until && c - from < 70'000; ++c) add_character(to, c);
  return true;
}

bool parser::read_element(character_set& to, std::uint32_t& character, bool& whole_class) {
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

bool parser::read_named(character_set& to, std::uint32_t& character, bool& whole_class) {
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
  if (!found) return fail("has the unknown character class [:" + name + ":]"), false;
  to.add(*found);
  whole_class = true;
  return true;
}

}  // namespace sluice::expression::regex
