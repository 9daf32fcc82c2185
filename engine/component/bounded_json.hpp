#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"

#include <cstddef>
#include <string_view>

namespace sluice {

/// Reads JSON text that anybody may have written. What comes of it takes memory and time in proportion to its bytes: it
/// may hold `most_values` values, those within others and at keys included. Errors: invalid_json, too_many_values.
result<options> parse_bounded_json(std::string_view text, std::size_t most_values);

}  // namespace sluice
