#pragma once

namespace sluice {

/// The version of the program, "0.1.0"; written into files that can say who made them.
const char* version();

}  // namespace sluice
