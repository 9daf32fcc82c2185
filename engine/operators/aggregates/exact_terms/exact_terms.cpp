#include "engine/operators/aggregates/exact_terms/exact_terms.hpp"

namespace sluice::aggregates {

#define SLUICE_GENERATION(name)                                                                              \
  namespace name {                                                                                           \
  bool terms(const double* values, const std::uint32_t* groups, std::int64_t rows, const bin_window& window, \
             exact_terms& out);                                                                              \
  }
SLUICE_GENERATION(v2)
SLUICE_GENERATION(v3)
SLUICE_GENERATION(v4)
#undef SLUICE_GENERATION

make_terms find_make_terms(int generation) {
  if (generation == 4) return v4::terms;
  return generation == 3 ? v3::terms : v2::terms;
}

}  // namespace sluice::aggregates
