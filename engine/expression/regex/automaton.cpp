#include "engine/expression/regex/automaton.hpp"

#include <algorithm>

namespace sluice::expression::regex {

namespace {

using step = program::step;

// Beyond it the states are made anew: patterns that need more cost time, not memory.
constexpr std::size_t most_states = 2'000;
constexpr std::size_t most_transitions = 1 << 20;

}  // namespace

automaton::automaton(const program& what, const colors& with, bool anywhere)
    : what_(what), colors_(with), anywhere_(anywhere), width_(with.count() + 1), marks_(what.steps.size()) {
  // Such a pattern can't match anywhere else.
  if (anywhere_ && begins_at_text_begin()) anywhere_ = false;
  forget();
}

bool automaton::begins_at_text_begin() {
  std::vector<std::uint32_t> first;
  ++round_;
  follow(what_.start, first);
  return std::all_of(first.begin(), first.end(), [&](std::uint32_t number) {
    return what_.steps[number].what == step::kind::place && what_.steps[number].where == place::text_begin;
  });
}

void automaton::forget() {
  states_.clear();
  numbers_.clear();
  table_.clear();
  starts_.fill(dead);
  number_of({.steps = {}, .before = neighbour::other});  // dead
  if (anywhere_) {
    // A match may still begin: there is no dead state, the number stays unused.
    numbers_.clear();
    states_[dead].before = neighbour::edge;
  }
}

std::uint32_t automaton::number_of(state wanted) {
  const auto [found, is_new] = numbers_.emplace(std::move(wanted), static_cast<std::uint32_t>(states_.size()));
  if (is_new) {
    states_.push_back(found->first);
    table_.resize(table_.size() + width_, unknown);
  }
  return found->second;
}

// Only what the program's places look at tells states apart.
neighbour automaton::seen(neighbour before) const {
  switch (before) {
    case neighbour::edge:
      return what_.looks_at_edges || what_.looks_at_lines ? before : neighbour::other;
    case neighbour::line_end:
      return what_.looks_at_lines ? before : neighbour::other;
    case neighbour::word:
      return what_.looks_at_words ? before : neighbour::other;
    default:
      return before;
  }
}

bool automaton::holds(place where, neighbour before, neighbour behind) {
  const bool word_before = before == neighbour::word, word_behind = behind == neighbour::word;
  switch (where) {
    case place::text_begin:
      return before == neighbour::edge;
    case place::text_end:
      return behind == neighbour::edge;
    case place::line_begin:
      return before == neighbour::edge || before == neighbour::line_end;
    case place::line_end:
      return behind == neighbour::edge || behind == neighbour::line_end;
    case place::word_begin:
      return !word_before && word_behind;
    case place::word_end:
      return word_before && !word_behind;
    case place::word_edge:
      return word_before != word_behind;
    case place::no_word_edge:
      return word_before == word_behind;
  }
  return false;
}

// Adds a step, or those that a split leads to.
void automaton::follow(std::uint32_t from, std::vector<std::uint32_t>& into) {
  stack_.assign(1, from);
  while (!stack_.empty()) {
    const auto number = stack_.back();
    stack_.pop_back();
    if (marks_[number] == round_) continue;
    marks_[number] = round_;
    const auto& one = what_.steps[number];
    if (one.what == step::kind::split) {
      stack_.push_back(one.other);
      stack_.push_back(one.next);
    } else {
      into.push_back(number);
    }
  }
}

std::uint32_t automaton::start_state(std::string_view text, std::size_t begin) {
  auto before = neighbour::edge;
  if (begin > 0) {
    auto first = begin - 1;
    while (first > 0 && (static_cast<unsigned char>(text[first]) & 0xc0) == 0x80) --first;
    const char* at = text.data() + first;
    before = colors_.kind(colors_.of(take_character(at, text.data() + begin)));
  }
  auto& known = starts_[static_cast<std::size_t>(before)];
  if (known != dead) return known;
  state wanted{.steps = {}, .before = seen(before)};
  ++round_;
  follow(what_.start, wanted.steps);
  std::sort(wanted.steps.begin(), wanted.steps.end());
  return known = number_of(std::move(wanted));
}

automaton::transition automaton::make_transition(std::uint32_t from, std::uint16_t color) {
  if (states_.size() > most_states || table_.size() > most_transitions) {
    auto kept = states_[from];
    forget();
    from = number_of(std::move(kept));
  }
  const bool ends = color == colors_.count();
  const auto behind = ends ? neighbour::edge : colors_.kind(color);
  const auto before = states_[from].before;
  // What can be reached without a character, now that both neighbours are known.
  std::vector<std::uint32_t> here = states_[from].steps;
  ++round_;
  for (const auto number : here) marks_[number] = round_;
  for (std::size_t i = 0; i < here.size(); ++i) {
    const auto& one = what_.steps[here[i]];
    if (one.what == step::kind::place && holds(one.where, before, behind)) follow(one.next, here);
  }
  state next{.steps = {}, .before = ends ? neighbour::edge : seen(behind)};
  bool match = false;
  ++round_;
  for (const auto number : here) {
    const auto& one = what_.steps[number];
    match = match || one.what == step::kind::match;
    if (!ends && one.what == step::kind::characters && what_.sets[one.set][color]) follow(one.next, next.steps);
  }
  std::uint32_t to = dead;
  if (!ends) {
    if (anywhere_) follow(what_.start, next.steps);
    std::sort(next.steps.begin(), next.steps.end());
    if (!next.steps.empty()) to = number_of(std::move(next));
  }
  const auto made = static_cast<transition>(to * 2 + (match ? 1 : 0));
  table_[from * width_ + color] = made;
  return made;
}

template <class Visit>
void automaton::run(std::string_view text, std::size_t begin, std::size_t limit, Visit&& visit) {
  auto at_state = start_state(text, begin);
  const char* const first = text.data();
  const char* at = first + begin;
  const char* const end = first + text.size();
  const char* const last = first + limit;
  const auto end_color = static_cast<std::uint16_t>(colors_.count());
  for (;;) {
    const char* const here = at;
    std::uint16_t color = end_color;
    if (at != end) {
      const auto byte = static_cast<unsigned char>(*at);
      if (byte < 128) {
        color = colors_.ascii(byte);
        ++at;
      } else {
        color = colors_.of(take_character(at, end));
      }
    }
    auto next = table_[at_state * width_ + color];
    if (next == unknown) next = make_transition(at_state, color);
    if ((next & 1) != 0 && !visit(static_cast<std::size_t>(here - first))) return;
    at_state = static_cast<std::uint32_t>(next) >> 1;
    if (here >= last || (at_state == dead && !anywhere_) || color == end_color) return;
  }
}

bool automaton::found(std::string_view text, std::size_t begin) {
  bool any = false;
  run(text, begin, text.size(), [&](std::size_t) { return !(any = true); });
  return any;
}

std::size_t automaton::longest(std::string_view text, std::size_t begin, std::size_t limit) {
  auto last = none;
  run(text, begin, limit, [&](std::size_t at) { return last = at, true; });
  return last;
}

std::size_t automaton::shortest(std::string_view text, std::size_t begin, std::size_t limit) {
  auto first = none;
  run(text, begin, limit, [&](std::size_t at) { return first = at, false; });
  return first;
}

void automaton::ends(std::string_view text, std::size_t begin, std::size_t limit, std::vector<std::size_t>& out) {
  out.clear();
  run(text, begin, limit, [&](std::size_t at) { return out.push_back(at), true; });
}

bool automaton::matches(std::string_view text, std::size_t begin, std::size_t end) {
  return longest(text, begin, end) == end;
}

}  // namespace sluice::expression::regex
