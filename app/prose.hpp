#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::app {

/// Breaks the lines of a text that are wider than `width` columns between words, and a path behind a slash. What goes
/// on is indented: below the text of a line that begins with a label ("loaded   out.csv", "  hint: ..."), else a
/// little. Colours take no room.
std::string wrapped(std::string_view text, int width);

/// Two columns: names (bold where `color`), and help beside them, or below where a name is long.
std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows, int width, bool color);

}  // namespace sluice::app
