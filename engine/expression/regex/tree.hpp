#pragma once

#include "engine/expression/regex/syntax.hpp"

#include <memory>
#include <vector>

namespace sluice::expression::regex {

/// A pattern cut where it matters which part of a match belongs to which part of the pattern, as PostgreSQL cuts it:
/// around capturing groups, and where a part prefers the longest match and another the shortest. The rules of
/// preference follow from the cut ("Regular Expression Matching Rules" in PostgreSQL's manual; the parser of Henry
/// Spencer's library that it uses).
struct tree {
  enum class kind { plain, concatenation, alternatives, capture, repeat } what = kind::plain;
  node_ptr whole = nullptr;  ///< what it matches
  bool prefers_shortest = false;
  bool prefers_longest = false;
  bool mixed = false;  ///< parts of it prefer differently
  bool has_capture = false;
  std::vector<std::unique_ptr<tree>> parts = {};
  int number = 0;            ///< of a capture
  int least = 0, most = -1;  ///< of a repeat

  [[nodiscard]] bool needs_cut() const { return mixed || has_capture; }
};

std::unique_ptr<tree> cut(const node_ptr& pattern);

}  // namespace sluice::expression::regex
