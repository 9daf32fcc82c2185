#include "engine/operators/aggregates/exact_terms/exact_terms.hpp"

namespace sluice::aggregates::v4 {
#include "engine/operators/aggregates/exact_terms/exact_terms.inc"
}  // namespace sluice::aggregates::v4
