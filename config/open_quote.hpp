#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sluice::config {

/// The offset of a quote in YAML that is not closed, or only by the quote that opens a later text. For a file that is
/// no valid YAML: in a valid one it may find a text of several lines.
std::optional<std::size_t> find_open_quote(std::string_view text);

}  // namespace sluice::config
