#pragma once

#include "engine/expression/regex/colors.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

namespace sluice::expression::regex {

/// A part of a pattern as a nondeterministic automaton over colors.
struct program {
  struct step {
    enum class kind : std::uint8_t { characters, place, split, match } what = kind::match;
    place where = place::text_begin;
    std::uint32_t next = 0, other = 0;  ///< other: of a split
    std::uint32_t set = 0;
  };
  std::vector<step> steps;
  std::vector<std::vector<bool>> sets;  ///< the colors of each
  std::uint32_t start = 0;
  bool looks_at_words = false, looks_at_lines = false, looks_at_edges = false;
};

/// Programs with more steps are refused: repeats within repeats make them.
inline constexpr std::size_t most_steps = 50'000;

/// False where the program would be too long.
bool compile(const node& of, const colors& with, program& out);

/// Runs a program over texts, making it deterministic as far as the texts need it. Not shared by threads.
class automaton {
 public:
  /// `anywhere`: a match may begin at any place behind the begin.
  automaton(const program& what, const colors& with, bool anywhere);

  static constexpr std::size_t none = SIZE_MAX;
  /// True where there is a match that begins at `begin` (or behind it, with `anywhere`).
  bool found(std::string_view text, std::size_t begin);
  /// The end of the longest match from `begin` that ends at `limit` or before; none.
  std::size_t longest(std::string_view text, std::size_t begin, std::size_t limit);
  /// The end of the shortest.
  std::size_t shortest(std::string_view text, std::size_t begin, std::size_t limit);
  /// All ends of matches from `begin` that are not behind `limit`, ascending.
  void ends(std::string_view text, std::size_t begin, std::size_t limit, std::vector<std::size_t>& out);
  bool matches(std::string_view text, std::size_t begin, std::size_t end);

 private:
  // A transition: the next state times two, and one where a match ends before the character.
  using transition = std::int32_t;
  static constexpr transition unknown = -1;
  static constexpr std::uint32_t dead = 0;

  struct state {
    std::vector<std::uint32_t> steps;  ///< that wait for a character, a place, or are a match
    neighbour before;
    bool operator<(const state& other) const {
      return before != other.before ? before < other.before : steps < other.steps;
    }
  };

  /// Calls visit(end) for each match in ascending order until it says false.
  template <class Visit>
  void run(std::string_view text, std::size_t begin, std::size_t limit, Visit&& visit);
  std::uint32_t start_state(std::string_view text, std::size_t begin);
  [[nodiscard]] bool begins_at_text_begin();
  std::uint32_t number_of(state wanted);
  transition make_transition(std::uint32_t from, std::uint16_t color);
  void forget();
  [[nodiscard]] neighbour seen(neighbour before) const;
  void follow(std::uint32_t step, std::vector<std::uint32_t>& into);
  [[nodiscard]] static bool holds(place where, neighbour before, neighbour behind);

  const program& what_;
  const colors& colors_;
  bool anywhere_;
  std::size_t width_;  ///< colors, and the end of the text
  std::vector<state> states_;
  std::map<state, std::uint32_t> numbers_;
  std::vector<transition> table_;
  std::array<std::uint32_t, 4> starts_{};  ///< by what stands before the begin; 0: not made yet
  std::vector<std::uint32_t> marks_;       ///< by step: the round in which it was visited
  std::uint32_t round_ = 0;
  std::vector<std::uint32_t> stack_;
};

}  // namespace sluice::expression::regex
