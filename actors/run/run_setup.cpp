#include "actors/run/run_setup.hpp"

namespace sluice::actors {

void add_counters(options& to, const flow::unit_counters& counters) {
  to["in"] = counters.in;
  to["added"] = counters.added;
  to["out"] = counters.out;
  to["filtered"] = counters.filtered;
  to["merged"] = counters.merged;
  to["rejected"] = counters.rejected;
  to["set_null"] = counters.set_null;
  to["bytes"] = counters.bytes;
  to["batches"] = counters.batches;
  if (counters.waiting > 0) to["waiting"] = counters.waiting;
}

options cause_to_options(const error& cause) {
  return {{"code", cause.code},
          {"message", cause.message},
          {"hint", cause.hint},
          {"where", cause.where},
          {"path", cause.path}};
}

options to_options(const run_outcome& outcome) {
  auto units = options::array();
  for (const auto& unit : outcome.units) {
    auto entry = options{{"unit", unit.unit}, {"role", to_string(unit.role)}};
    add_counters(entry, unit.counters);
    if (!unit.target.empty()) entry["target"] = unit.target;
    units.push_back(std::move(entry));
  }
  auto all = options{{"state", store::to_string(outcome.state)},
                     {"balanced", outcome.balanced},
                     {"rejected", outcome.rejected},
                     {"duration_microseconds", outcome.duration_microseconds}};
  if (!outcome.rejects_path.empty()) all["rejects_path"] = outcome.rejects_path;
  if (outcome.cause) all["cause"] = cause_to_options(*outcome.cause);
  if (outcome.attempt > 1) all["attempt"] = outcome.attempt;
  if (outcome.failures > 0) all["failures"] = outcome.failures;
  if (!outcome.process.is_null()) all["process"] = outcome.process;
  all["units"] = std::move(units);
  return all;
}

}  // namespace sluice::actors
