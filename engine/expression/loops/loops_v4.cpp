#include "engine/expression/loops/loops.hpp"

#include <immintrin.h>

namespace sluice::expression::v4 {
#include "engine/expression/loops/loops.inc"
}  // namespace sluice::expression::v4
