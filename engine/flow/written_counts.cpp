#include "engine/flow/written_counts.hpp"

#include "engine/plan/push_filters.hpp"

namespace sluice::flow {

void count_where_written(const plan& of, std::vector<unit_counters>& counters) {
  for (std::size_t at = 0; at < of.units.size(); ++at) {
    const auto below = unit_of_filter(of, static_cast<int>(at));
    if (!below) continue;
    auto& source = counters[at];
    auto& filter = counters[static_cast<std::size_t>(*below)];
    const auto rows = source.filtered;
    source.filtered = 0;
    source.out += rows;
    filter.in += rows;
    filter.filtered += rows;
  }
}

}  // namespace sluice::flow
