#pragma once

#include "app/console.hpp"
#include "engine/component/options.hpp"

#include <cstdint>
#include <string>

namespace sluice::app {

/// What the report of a run needs besides its summary.
struct report_facts {
  std::string run;
  std::string pipeline;
  std::string state;
  options cause;                  ///< null, or code, message, hint
  options summary;                ///< actors::to_options(run_outcome), as the Store keeps it
  std::uint64_t peak_memory = 0;  ///< bytes; 0: unknown
};

/// The end of a run in words: outcome, table of units, balance, rejects, targets.
std::string run_report(const report_facts& facts, int width, bool color, bool unicode);
/// "361,412 read = 327,346 loaded + 34,059 filtered + 7 rejected", from the units' counters.
std::string balance_text(const options& summary);
/// How a state is painted: succeeded green, failed red, partial and cancelled yellow.
style state_style(const std::string& state);

}  // namespace sluice::app
