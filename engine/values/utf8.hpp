#pragma once

#include <string_view>

namespace sluice {

/// True where all bytes are valid UTF-8.
[[nodiscard]] bool is_utf8(std::string_view bytes);

}  // namespace sluice
