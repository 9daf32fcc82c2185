#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string_view>

namespace sluice {

// Durations and sizes as users write them.

/// Parses "90s", "1h30m", "250ms" to microseconds.
result<std::int64_t> parse_duration(std::string_view text);
/// Parses "512MiB", "2GB", "100" to bytes.
result<std::int64_t> parse_size(std::string_view text);

}  // namespace sluice
