#include "actors/run_setup.hpp"

namespace sluice::actors {

options to_options(const run_outcome& outcome) {
  auto units = options::array();
  for (const auto& unit : outcome.units) {
    const auto& c = unit.counters;
    auto entry = options{{"unit", unit.unit},
                         {"role", to_string(unit.role)},
                         {"in", c.in},
                         {"added", c.added},
                         {"out", c.out},
                         {"filtered", c.filtered},
                         {"merged", c.merged},
                         {"rejected", c.rejected},
                         {"set_null", c.set_null},
                         {"bytes", c.bytes},
                         {"batches", c.batches}};
    if (!unit.target.empty()) entry["target"] = unit.target;
    units.push_back(std::move(entry));
  }
  auto all = options{{"state", store::to_string(outcome.state)},
                     {"balanced", outcome.balanced},
                     {"rejected", outcome.rejected},
                     {"duration_microseconds", outcome.duration_microseconds}};
  if (!outcome.rejects_path.empty()) all["rejects_path"] = outcome.rejects_path;
  if (outcome.cause) {
    const auto& cause = *outcome.cause;
    all["cause"] = options{{"code", cause.code},
                           {"message", cause.message},
                           {"hint", cause.hint},
                           {"where", cause.where},
                           {"path", cause.path}};
  }
  all["units"] = std::move(units);
  return all;
}

}  // namespace sluice::actors
