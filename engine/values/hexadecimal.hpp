#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// Writes bytes as hexadecimal digits, lower case: JSON holds text only.
std::string to_hexadecimal(std::string_view bytes);
/// Reads such a text back; of another text the result has no meaning.
std::string from_hexadecimal(std::string_view text);

}  // namespace sluice
