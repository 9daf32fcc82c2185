#pragma once

#include "config/document.hpp"
#include "engine/error/error.hpp"

#include <string>

namespace sluice::config {

/// Renders faults for people: `error[code] file:line:column: unit paid: message`, the line, a caret under the column,
/// and `hint: ...`. Where `source` is null or a fault has no place there, the line and the caret are left out.
std::string render(const diagnostics& faults, const document* source, bool colour = false);
/// Renders one; `word` is "error" or "warning". A line of the file that is wider than `width` is cut around the caret.
std::string render(const error& fault, const document* source, bool colour = false, const std::string& word = "error",
                   int width = 160);

}  // namespace sluice::config
