#include "engine/expression/regex/pattern.hpp"

#include "engine/expression/regex/automaton.hpp"
#include "engine/expression/regex/tree.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace sluice::expression::regex {

namespace {

void collect_sets(const node& of, std::vector<const character_set*>& out) {
  if (of.what == node::kind::characters) out.push_back(&of.characters);
  for (const auto& part : of.parts) collect_sets(*part, out);
}

bool looks_at_words(const node& of) {
  if (of.what == node::kind::place && of.where >= place::word_begin) return true;
  return std::any_of(of.parts.begin(), of.parts.end(), [](const auto& part) { return looks_at_words(*part); });
}

colors colors_of(const node& root) {
  std::vector<const character_set*> all;
  collect_sets(root, all);
  return {all, looks_at_words(root)};
}

}  // namespace

/// A pattern as programs: of the whole, and of each part of its tree.
class compiled {
 public:
  explicit compiled(node_ptr pattern) : root(std::move(pattern)), with(colors_of(*root)), cuts(cut(root)) {}

  bool prepare() {
    if (!compile(*root, with, whole)) return false;
    return !cuts->has_capture || prepare_parts(*cuts);
  }

  node_ptr root;
  colors with;
  std::unique_ptr<tree> cuts;
  program whole;
  std::map<const tree*, program> parts;

 private:
  bool prepare_parts(const tree& of) {
    if (!compile(*of.whole, with, parts[&of])) return false;
    return std::all_of(of.parts.begin(), of.parts.end(), [&](const auto& part) { return prepare_parts(*part); });
  }
};

pattern::pattern(std::unique_ptr<const compiled> from, int groups) : compiled_(std::move(from)), groups_(groups) {}
pattern::~pattern() = default;

std::shared_ptr<const pattern> pattern::make(std::string_view text, const options& how, syntax_fault& fault) {
  auto parsed = parse(text, how, fault);
  if (!parsed) return nullptr;
  auto made = std::make_unique<compiled>(parsed->root);
  if (!made->prepare()) {
    fault = {"is too long after its repetitions are expanded", "use fewer repetitions"};
    return nullptr;
  }
  return std::shared_ptr<const pattern>(new pattern(std::move(made), parsed->groups));
}

/// The automata of a matcher, and the search for what groups match.
struct matcher::engine {
  explicit engine(const compiled& of)
      : what(of), anywhere(of.whole, of.with, true), from_here(of.whole, of.with, false) {}

  automaton& of(const tree& part) {
    auto found = parts.find(&part);
    if (found == parts.end()) found = parts.try_emplace(&part, what.parts.at(&part), what.with, false).first;
    return found->second;
  }

  // Divides what a part is known to match among its own parts.
  bool divide(const tree& part, std::string_view text, span of_part, std::vector<span>& groups) {
    if (!part.has_capture) return true;
    switch (part.what) {
      case tree::kind::plain:
        return true;
      case tree::kind::capture:
        if (!divide(*part.parts.front(), text, of_part, groups)) return false;
        groups[static_cast<std::size_t>(part.number)] = of_part;
        return true;
      case tree::kind::alternatives:
        return std::any_of(part.parts.begin(), part.parts.end(), [&](const auto& one) {
          return of(*one).matches(text, of_part.begin, of_part.end) && divide(*one, text, of_part, groups);
        });
      case tree::kind::concatenation:
        return divide_two(part, text, of_part, groups);
      case tree::kind::repeat:
        return divide_repeat(part, text, of_part, groups);
    }
    return false;
  }

  // The left part takes as much as it can, or as little, that leaves the right one a match.
  bool divide_two(const tree& part, std::string_view text, span of_part, std::vector<span>& groups) {
    const auto &left = *part.parts[0], &right = *part.parts[1];
    std::vector<std::size_t> middles;
    of(left).ends(text, of_part.begin, of_part.end, middles);
    if (!left.prefers_shortest) std::reverse(middles.begin(), middles.end());
    for (const auto middle : middles) {
      if (!of(right).matches(text, middle, of_part.end)) continue;
      if (divide(left, text, {of_part.begin, middle}, groups) && divide(right, text, {middle, of_part.end}, groups))
        return true;
    }
    return false;
  }

  // Turns of a repeat, none of them empty as long as text is left: the first takes what it prefers and leaves the
  // others a match. Only the last one leaves its captures.
  bool divide_repeat(const tree& part, std::string_view text, span of_part, std::vector<span>& groups) {
    if (of_part.begin == of_part.end && part.least == 0) return true;
    const auto& inner = *part.parts.front();
    auto most = part.most < 0 ? SIZE_MAX : static_cast<std::size_t>(part.most);
    std::vector<std::vector<std::size_t>> choices;  // ends of each turn that are still to be tried, the next one last
    std::vector<std::size_t> begins = {of_part.begin};
    const auto open = [&](std::size_t begin) {
      auto& ends = choices.emplace_back();
      of(inner).ends(text, begin, of_part.end, ends);
      std::erase(ends, begin);
      if (inner.prefers_shortest) std::reverse(ends.begin(), ends.end());
    };
    open(of_part.begin);
    // Where turns end at a place, whatever turns led there, the rest can fail only once with so many turns left.
    std::map<std::pair<std::size_t, std::size_t>, bool> failed;
    while (!choices.empty()) {
      if (choices.back().empty()) {
        failed[{begins.back(), most == SIZE_MAX ? 0 : choices.size()}] = true;
        choices.pop_back();
        begins.pop_back();
        continue;
      }
      const auto end = choices.back().back();
      choices.back().pop_back();
      if (end == of_part.end) return divide(inner, text, {begins.back(), end}, groups);
      if (choices.size() >= most || failed.contains({end, most == SIZE_MAX ? 0 : choices.size() + 1})) continue;
      begins.push_back(end);
      open(end);
    }
    // Nothing but empty turns.
    return of_part.begin == of_part.end && divide(inner, text, of_part, groups);
  }

  const compiled& what;
  automaton anywhere, from_here;
  std::map<const tree*, automaton> parts;
};

matcher::matcher(std::shared_ptr<const pattern> what)
    : what_(std::move(what)), engine_(std::make_unique<engine>(what_->parts())) {}
matcher::~matcher() = default;

bool matcher::occurs(std::string_view text) { return engine_->anywhere.found(text, 0); }

bool matcher::find(std::string_view text, std::size_t from, span& match, std::vector<span>* groups) {
  if (from > text.size()) return false;
  // The match that ends first bounds where the leftmost one begins.
  const auto bound = engine_->anywhere.shortest(text, from, text.size());
  if (bound == automaton::none) return false;
  const bool shortest = engine_->what.cuts->prefers_shortest;
  for (auto begin = from; begin <= bound; ++begin) {
    if (begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80) continue;
    const auto end = shortest ? engine_->from_here.shortest(text, begin, text.size())
                              : engine_->from_here.longest(text, begin, text.size());
    if (end == automaton::none) continue;
    match = {begin, end};
    if (groups != nullptr) {
      groups->assign(static_cast<std::size_t>(what_->groups()) + 1, {});
      groups->front() = match;
      if (what_->groups() > 0) engine_->divide(*engine_->what.cuts, text, match, *groups);
    }
    return true;
  }
  return false;
}

replacement::replacement(std::string_view text) {
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) pieces_.push_back({.literal = std::move(literal)});
    literal.clear();
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char next = text[at] == '\\' && at + 1 < text.size() ? text[at + 1] : '\0';
    if (next == '&' || (next >= '1' && next <= '9')) {
      flush();
      pieces_.push_back({.literal = {}, .group = next == '&' ? 0 : next - '0'});
      needs_groups_ = needs_groups_ || next != '&';
      ++at;
    } else {
      literal += text[at];
      if (next == '\\') ++at;
    }
  }
  flush();
}

void replacement::append(std::string& out, std::string_view text, const span& match,
                         const std::vector<span>& groups) const {
  for (const auto& piece : pieces_) {
    if (piece.group < 0) {
      out += piece.literal;
      continue;
    }
    const auto group = static_cast<std::size_t>(piece.group);
    const auto of = piece.group == 0 ? match : group < groups.size() ? groups[group] : span{};
    if (of.begin != std::string_view::npos) out += text.substr(of.begin, of.end - of.begin);
  }
}

}  // namespace sluice::expression::regex
