#pragma once

#include <string>

namespace sluice::history {

/// The paragraphs of a table sink's description that say what the modes merge and scd2 do.
std::string history_description();

}  // namespace sluice::history
