#pragma once

#include "config/node.hpp"
#include "engine/error/error.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// A `${...}` or `$$` in a file. It is hidden from YAML behind as many control characters as it has bytes, so that
/// columns stay right and a value can't inject structure.
struct placeholder {
  std::size_t begin = 0;  ///< byte offset in the file
  std::size_t length = 0;
  std::string body;       ///< between the braces; "$" for `$$`
  bool escape = false;    ///< `$$`
  bool too_deep = false;  ///< references nested beyond any use
};

/// Where the texts of names come from.
struct lookup {
  /// The text of a name, or nothing where it is not set.
  std::function<std::optional<std::string>(const std::string& name)> text;
  /// True for a name without a text that was reported already; not set: none is.
  std::function<bool(const std::string& name)> is_reported = {};
};

/// Begins a placeholder, and fills the rest of it. `parse` refuses files that hold control characters themselves.
inline constexpr char placeholder_begin = '\x0e';
inline constexpr char placeholder_rest = '\x0f';

/// Finds all `${...}` and `$$` of `text` and hides them in it. An open `${` stays: `substitute` reports it.
std::vector<placeholder> hide_placeholders(std::string& text);

/// What a substitution that can't be made is called, and where it stands.
struct substitution_fault {
  error problem;          ///< without its place
  std::size_t begin = 0;  ///< byte offset in the file
};

/// Fills in the placeholders of a scalar: `${x}`, `${x:-default}`, `$$`; `${secret:x}` stays as it is. A scalar in
/// which something can't be filled in is broken.
void substitute(node& scalar, const std::vector<placeholder>& all, const lookup& values,
                std::vector<substitution_fault>& faults);

}  // namespace sluice::config
