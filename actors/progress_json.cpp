#include "actors/progress_json.hpp"

namespace sluice::actors {

options to_options(const run_progress& progress) {
  options all = {{"run", progress.run},
                 {"pipeline", progress.pipeline},
                 {"state", progress.state},
                 {"running_microseconds", progress.running_microseconds},
                 {"left_microseconds", progress.left_microseconds},
                 {"units", options::array()}};
  for (const auto& unit : progress.units) {
    const auto& c = unit.counters;
    all["units"].push_back({{"unit", unit.unit},
                            {"state", unit.state},
                            {"in", c.in},
                            {"added", c.added},
                            {"out", c.out},
                            {"filtered", c.filtered},
                            {"merged", c.merged},
                            {"rejected", c.rejected},
                            {"bytes", c.bytes},
                            {"rows_per_second", unit.rows_per_second},
                            {"done_ppm", unit.done_ppm}});
  }
  return all;
}

}  // namespace sluice::actors
