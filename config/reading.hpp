#pragma once

#include "config/document.hpp"

#include <string>
#include <utility>
#include <vector>

namespace sluice::config {

/// Where a reader stands: the file, the list of faults, and the unit in words ("unit paid") that messages name.
struct reading {
  const document& source;
  diagnostics& faults;
  std::string where = {};

  void fault(const node& at, std::string code, std::string message, std::string hint = {}) const {
    add(source.fault(at, std::move(code), std::move(message), std::move(hint)));
  }
  /// Reports the error of a library function that was given a scalar's value.
  void fault_from(const node& at, error problem) const {
    problem.at = source.locate_in(at, problem.offset.value_or(0));
    add(std::move(problem));
  }
  /// Reports a key that is not known, with the nearest of `known`.
  void unknown_key(const node& key, const std::string& what, const std::vector<std::string>& known) const;

 private:
  void add(error made) const {
    made.where = where;
    faults.push_back(std::move(made));
  }
};

/// "did you mean `near`?" where a known name is near, else all of them: "known: a, b, c".
std::string suggest(const std::string& name, const std::vector<std::string>& known);
/// "a, b and c"
std::string enumerate(const std::vector<std::string>& words);

/// The text of a scalar; anything else is reported as `what` expected.
std::optional<std::string> read_text(const reading& in, const node& value, const std::string& what);
/// A list of texts, or one text.
std::optional<std::vector<std::string>> read_texts(const reading& in, const node& value, const std::string& what);
/// A whole number from `least` on.
std::optional<std::int64_t> read_integer(const reading& in, const node& value, const std::string& what,
                                         std::int64_t least);
/// One of `choices`.
std::optional<std::string> read_choice(const reading& in, const node& value, const std::string& what,
                                       const std::vector<std::string>& choices);

}  // namespace sluice::config
