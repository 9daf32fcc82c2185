#pragma once

#include "engine/expression/regex/syntax.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::expression::regex {

class compiled;  // programs and what they share

/// A part of a text in bytes; begin is `npos` where a group took no part in the match.
struct span {
  std::size_t begin = std::string_view::npos, end = std::string_view::npos;
};

/// A regular expression with PostgreSQL's meaning, ready to match. Shared by threads.
class pattern {
 public:
  static std::shared_ptr<const pattern> make(std::string_view text, const options& how, syntax_fault& fault);
  ~pattern();
  pattern(const pattern&) = delete;
  pattern& operator=(const pattern&) = delete;

  [[nodiscard]] int groups() const { return groups_; }
  [[nodiscard]] const compiled& parts() const { return *compiled_; }

 private:
  pattern(std::unique_ptr<const compiled> from, int groups);
  std::unique_ptr<const compiled> compiled_;
  int groups_;
};

/// Matches texts. Not shared by threads: it keeps what it has learned about the pattern.
class matcher {
 public:
  explicit matcher(std::shared_ptr<const pattern> what);
  ~matcher();
  matcher(const matcher&) = delete;
  matcher& operator=(const matcher&) = delete;

  /// True where the pattern occurs in the text.
  bool occurs(std::string_view text);
  /// The first match that begins at `from` or behind it; with `groups`, also what they match (index 0: the match).
  bool find(std::string_view text, std::size_t from, span& match, std::vector<span>* groups = nullptr);

 private:
  struct engine;
  std::shared_ptr<const pattern> what_;
  std::unique_ptr<engine> engine_;
};

/// What a match is replaced with: \1 to \9 are groups, \& is the match, \\ a backslash; all else stands for itself.
class replacement {
 public:
  explicit replacement(std::string_view text);
  [[nodiscard]] bool needs_groups() const { return needs_groups_; }
  void append(std::string& out, std::string_view text, const span& match, const std::vector<span>& groups) const;

 private:
  struct part {
    std::string literal = {};
    int group = -1;  ///< 0: the match
  };
  std::vector<part> pieces_;
  bool needs_groups_ = false;
};

}  // namespace sluice::expression::regex
