#pragma once

#include "engine/component/retry.hpp"
#include "engine/component/sink.hpp"

#include <functional>
#include <memory>
#include <string>

namespace sluice::when_down {

/// `when_down: { spill }` of a load unit.
struct spill_rule {
  std::int64_t most_bytes = 0;  ///< that the log may take on disk
  retry_rule retry;             ///< how often a system that is down is tried
  std::string folder;           ///< of the log: the same for all runs of the unit with the same params
  std::string target;           ///< shown to users while the system can't be asked
  std::string run;              ///< this one
  std::string continues = {};   ///< the run behind whose last checkpoint it goes on; empty: it begins afresh
  std::string unit;
};

/// Makes the sink that loads the target, for the run that the target is to know the rows by. `goes_on`: rows were
/// loaded under that name before. It must give up at once where its system is down.
using make_loader = std::function<result<std::unique_ptr<sink>>(const std::string& run, bool goes_on)>;

/// A sink whose rows go through a log on disk: `prepare` syncs it, `commit` admits what was prepared and loads it, if
/// the target is reached, else leaves it there. So the other branches of a run go on while the target is down. What is
/// left is loaded by a later commit or `settle`, in order; the target's own notes tell what it has already.
std::unique_ptr<sink> make_spilling_sink(spill_rule rule, make_loader make);

}  // namespace sluice::when_down
