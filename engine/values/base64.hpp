#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// Base64 with padding and without line breaks (RFC 4648, section 4).
std::string to_base64(std::string_view bytes);
/// The bytes; nothing where the text is not base64 with its padding.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace sluice
