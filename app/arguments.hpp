#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::app {

/// What the shell may offer for a value.
enum class completes { nothing, file, folder, run, verb, component, function, code, shell, remembered };

/// Where a parsed argument goes; the kind of pointer says what it may be and whether it repeats.
using argument_target =
    std::variant<bool*, std::string*, std::int64_t*, std::optional<std::int64_t>*, std::vector<std::string>*>;

struct option_spec {
  std::vector<std::string> names;  ///< "--rows", "-n": the long one first
  std::string value;               ///< placeholder of its value ("N"); empty for a flag
  std::string help;
  argument_target target;
  std::vector<std::string> choices = {};  ///< the only values allowed
  completes offers = completes::nothing;
};

struct positional_spec {
  std::string name;  ///< "FILE"
  std::string help;
  argument_target target;  ///< a vector takes all that follow
  bool required = true;
  completes offers = completes::nothing;
  std::vector<std::string> choices = {};
};

/// Describes what one verb takes. Help text, completion and parsing all come from it.
struct arguments {
  std::vector<positional_spec> positionals = {};
  std::vector<option_spec> options = {};
  /// Options of other programs that have another name here: `-f` of `tail`, and the hint.
  std::vector<std::pair<std::string, std::string>> elsewhere = {};
  std::string details = {};  ///< paragraphs and examples below the help's options
};

/// Parses `words` into the targets. Errors are the user's, with the nearest flag or value in the hint.
status parse(const std::string& verb, const arguments& what, const std::vector<std::string>& words);

}  // namespace sluice::app
