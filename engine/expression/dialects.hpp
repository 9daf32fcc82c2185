#pragma once

#include <string>
#include <string_view>

namespace sluice::expression {

/// What is written here instead of a function that other systems have, as a hint; empty where the name is none of
/// theirs. `name` is in lower case.
std::string other_dialect_hint(std::string_view name);
/// The same for a word that stands where an operator is expected: `a div b`.
std::string other_operator_hint(std::string_view word);

}  // namespace sluice::expression
