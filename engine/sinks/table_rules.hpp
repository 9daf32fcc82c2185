#pragma once

#include "engine/component/sink.hpp"

#include <string>

namespace sluice {

/// Checks what every sink that writes to a table asks of its request: mode, key and columns.
void check_table_rules(const sink_request& request, diagnostics& faults);

}  // namespace sluice
