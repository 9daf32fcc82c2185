#pragma once

#include "engine/expression/regex/characters.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::expression::regex {

/// A place between two characters.
enum class place { text_begin, text_end, line_begin, line_end, word_begin, word_end, word_edge, no_word_edge };

struct node;
using node_ptr = std::shared_ptr<const node>;

/// A regular expression as it is written.
struct node {
  enum class kind { characters, place, sequence, alternatives, group, repeat } what = kind::sequence;
  character_set characters = {};
  place where = place::text_begin;
  std::vector<node_ptr> parts = {};  ///< of a sequence or of alternatives; one of a group or repeat
  int number = 0;                    ///< of a capturing group, from 1; 0: it does not capture
  int least = 1, most = 1;           ///< repeat; most < 0: any number
  bool prefers = false;              ///< the quantifier has a preference: {m} has none
  bool shortest = false;             ///< *? and its like
};

/// How PostgreSQL's flags read a pattern and match.
struct options {
  bool ignore_case = false;
  bool dot_stops = false;     ///< . and [^...] do not match a line end (n, p)
  bool line_anchors = false;  ///< ^ and $ match at line ends (n, w)
  bool literal = false;       ///< the pattern is a plain text (q)
  bool expanded = false;      ///< blanks and comments mean nothing (x)
};

struct syntax_fault {
  std::string message;
  std::string hint;
};

struct parsed_pattern {
  node_ptr root;
  int groups = 0;
};

/// Applies flags such as "in"; false names the unknown one. g is not known here.
bool apply_flags(std::string_view flags, options& to, char& unknown);
/// Reads an advanced regular expression of PostgreSQL. What the matcher can't do (back references, look-around) is a
/// fault, as is what PostgreSQL refuses.
std::optional<parsed_pattern> parse(std::string_view pattern, options how, syntax_fault& fault);

}  // namespace sluice::expression::regex
