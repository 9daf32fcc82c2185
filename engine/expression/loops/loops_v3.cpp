#include "engine/expression/loops/loops.hpp"

namespace sluice::expression::v3 {
#include "engine/expression/loops/loops.inc"
}  // namespace sluice::expression::v3
