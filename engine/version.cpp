#include "engine/version.hpp"

namespace sluice {

const char* version() { return SLUICE_VERSION; }

}  // namespace sluice
