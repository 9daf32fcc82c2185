#pragma once

#include <string>

namespace sluice {

/// A sink whose epochs may be one piece of work that grows, such as a file that is published once, at the end of the
/// run: each token names all that was prepared so far, and only the last one is committed. Beside `sink`.
class grows_in_place {
 public:
  virtual ~grows_in_place() = default;
  /// False where this target can't.
  [[nodiscard]] virtual bool can_grow() const = 0;
  /// Before `open`: epochs will follow each other, behind the one with the token `behind`, which an earlier attempt or
  /// run has prepared; empty: behind none.
  virtual void grow(std::string behind) = 0;
  /// Removes what such a token names: nobody goes on with it. It may be of an earlier run.
  virtual void forget(const std::string& token) noexcept = 0;
};

/// Tokens of such epochs begin so.
inline constexpr char holds_earlier_mark = 'w';
inline bool holds_earlier(const std::string& token) { return !token.empty() && token.front() == holds_earlier_mark; }

}  // namespace sluice
