#include "engine/expression/regex/automaton.hpp"

namespace sluice::expression::regex {

namespace {

using kind = node::kind;
using step = program::step;

// Builds from the end: each part is given the step that follows it.
class compiler {
 public:
  compiler(const colors& with, program& out) : colors_(with), out_(out) {}

  std::uint32_t add(step one) {
    out_.steps.push_back(one);
    return static_cast<std::uint32_t>(out_.steps.size() - 1);
  }

  std::uint32_t build(const node& of, std::uint32_t next) {
    // Calls are counted too: repeats of nothing make no steps.
    if (too_long() || ++calls_ > 20 * most_steps) return next;
    switch (of.what) {
      case kind::characters:
        out_.sets.push_back(colors_.members(of.characters));
        return add(
            {.what = step::kind::characters, .next = next, .set = static_cast<std::uint32_t>(out_.sets.size() - 1)});
      case kind::place:
        note(of.where);
        return add({.what = step::kind::place, .where = of.where, .next = next});
      case kind::sequence:
        for (auto part = of.parts.rbegin(); part != of.parts.rend(); ++part) next = build(**part, next);
        return next;
      case kind::alternatives: {
        auto begin = build(*of.parts.back(), next);
        for (auto part = of.parts.rbegin() + 1; part != of.parts.rend(); ++part)
          begin = add({.what = step::kind::split, .next = build(**part, next), .other = begin});
        return begin;
      }
      case kind::group:
        return build(*of.parts.front(), next);
      case kind::repeat:
        return repeat(of, next);
    }
    return next;
  }

  [[nodiscard]] bool too_long() const { return out_.steps.size() > most_steps || calls_ > 20 * most_steps; }

 private:
  std::uint32_t repeat(const node& of, std::uint32_t next) {
    const auto& inner = *of.parts.front();
    auto begin = next;
    if (of.most < 0) {
      begin = add({.what = step::kind::split, .other = next});
      const auto body = build(inner, begin);
      out_.steps[begin].next = body;
    } else {
      for (int i = of.least; i < of.most && !too_long(); ++i)
        begin = add({.what = step::kind::split, .next = build(inner, begin), .other = next});
    }
    for (int i = 0; i < of.least && !too_long(); ++i) begin = build(inner, begin);
    return begin;
  }

  void note(place where) {
    out_.looks_at_edges |= where == place::text_begin || where == place::text_end;
    out_.looks_at_lines |= where == place::line_begin || where == place::line_end;
    out_.looks_at_words |= where >= place::word_begin;
  }

  const colors& colors_;
  program& out_;
  std::size_t calls_ = 0;
};

}  // namespace

bool compile(const node& of, const colors& with, program& out) {
  compiler making(with, out);
  const auto match = making.add({.what = step::kind::match});
  out.start = making.build(of, match);
  return !making.too_long();
}

}  // namespace sluice::expression::regex
