#pragma once

#include "engine/error/error.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::secrets {

/// How a pipeline refers to a secret: ${secret:NAME}. In the options of a unit the reference is the mark of a secret;
/// its value takes that place only in the copy that a component is made of.
inline constexpr std::string_view reference_begin = "${secret:";
std::string reference_to(std::string_view name);
/// True where a text refers to a secret, or to several.
[[nodiscard]] bool has_reference(std::string_view text);

/// Shorter values can't be masked: they would be found in half of all texts.
inline constexpr std::size_t shortest_masked = 6;

/// A value that this process has looked up, or what becomes of it where quotes are doubled, as in SQL and CSV.
struct known_secret {
  std::string name;
  std::string form;
  bool is_value = true;
};

/// All that this process has looked up since it began. Never changes: a new secret makes a new one.
struct known_secrets {
  std::vector<known_secret> masked;           ///< of `shortest_masked` bytes and more, longest first
  std::map<std::string, std::string> values;  ///< by name; the newest value of each
};

/// Notes the value of a secret, so that it is masked from now on wherever text leaves the process. Thread-safe.
void remember(const std::string& name, const std::string& value);
/// What is known now; null where no secret was ever looked up, which costs one load to find out. Lives for ever.
[[nodiscard]] const known_secrets* known() noexcept;

/// For text that must be read again as it was, such as the names of files that the Store keeps: puts references in the
/// place of values. `reveal` undoes it with the newest values: what is kept follows a secret that changes.
std::string hide(std::string text);
/// Errors: missing_secret, for a secret that this process has not looked up; then the text stays as it is.
status reveal(std::string& text);

}  // namespace sluice::secrets
