#include "engine/operators/aggregates/exact_terms/exact_terms.hpp"

namespace sluice::aggregates::v2 {
#include "engine/operators/aggregates/exact_terms/exact_terms.inc"
}  // namespace sluice::aggregates::v2
