#pragma once

#include "engine/columns/growing_bytes.hpp"

#include <string_view>

namespace sluice::ndjson {

/// Appends the text in quotes, what JSON wants escaped escaped.
void append_quoted(growing_bytes& out, std::string_view text);
/// Appends bytes as a text like "\\x0a0b".
void append_hex(growing_bytes& out, std::string_view bytes);

}  // namespace sluice::ndjson
