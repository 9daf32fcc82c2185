#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::postgres {

/// The 16 bytes of a UUID, from 32 hex digits with or without hyphens in their usual places.
std::optional<std::array<char, 16>> parse_uuid(std::string_view text);
/// The usual text of 16 bytes, in small letters.
std::string uuid_text(std::string_view bytes);

}  // namespace sluice::postgres
