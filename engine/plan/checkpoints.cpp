#include "engine/plan/checkpoints.hpp"

#include "engine/component/grows_in_place.hpp"
#include "engine/component/limits_epochs.hpp"
#include "engine/operators/reconcile/reconciled_sink.hpp"
#include "engine/plan/increment_sink.hpp"
#include "engine/plan/instances.hpp"

#include <algorithm>

namespace sluice {

namespace {

const planned_unit& sender(const draft& of, const input_reference& input) {
  return of.made.units[static_cast<std::size_t>(input.unit)];
}

/// What comes out only when an input ends would never come.
void check_ends(const draft& of, std::size_t at, diagnostics& faults) {
  const auto& unit = of.made.units[at];
  for (std::size_t input = 0; of.transforms[at] != nullptr && input < of.inputs[at].size(); ++input) {
    const auto& above = sender(of, of.inputs[at][input]);
    if (!above.endless) continue;
    const auto mends = of.transforms[at]->needs_end(static_cast<int>(input));
    if (!mends) continue;
    faults.push_back(unit_fault(unit.definition, "/" + unit.definition.component, "needs_end",
                                unit.definition.component + " gives its rows when its input " + above.definition.name +
                                    " ends, and that has no end",
                                *mends));
  }
}

/// The units whose rows reach a unit with their keys as they are: rows that are given again stay such.
bool gets_rows_again(const draft& of, std::size_t at, std::string& who) {
  if (of.transforms[at] != nullptr && of.transforms[at]->gives_rows_again()) {
    who = of.made.units[at].definition.name;
    return true;
  }
  const auto& inputs = of.inputs[at];
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const auto& input) { return gets_rows_again(of, static_cast<std::size_t>(input.unit), who); });
}

void check_upsert(const draft& of, std::size_t at, diagnostics& faults) {
  const auto& unit = of.made.units[at];
  std::string who;
  if (unit.definition.mode == "upsert" || unit.definition.mode == "merge" || !gets_rows_again(of, at, who)) return;
  faults.push_back(unit_fault(unit.definition, "/" + unit.definition.component, "needs_upsert",
                              "unit " + who +
                                  " gives the groups that have changed with each checkpoint, because its input has no "
                                  "end: a sink has to replace the rows that it gave before",
                              "load them with mode: upsert and the groups' columns as key"));
}

void check_interval(const draft& of, std::size_t at, const limits_epochs* sink, diagnostics& faults) {
  const auto longest = sink != nullptr ? sink->longest_epoch() : std::nullopt;
  const auto interval = of.made.checkpoint_interval().value_or(0);
  if (!longest || interval <= *longest || !of.made.commits_each(static_cast<std::uint32_t>(at))) return;
  const auto seconds = [](std::int64_t microseconds) { return std::to_string(microseconds / 1'000'000) + " s"; };
  faults.push_back(unit_fault(of.made.units[at].definition, sink->option(), "checkpoint_too_long",
                              "run.checkpoint (" + seconds(interval) + ") is above a third of it (" +
                                  seconds(*longest) + "): a transaction could time out before it is committed",
                              "run: { checkpoint: 10s }, or raise transaction_timeout"));
}

void check_epochs(const draft& of, std::size_t at, const run_context& context, diagnostics& faults) {
  const auto& unit = of.made.units[at];
  diagnostics found;
  const auto made = instantiate_sink(unit, context, found);
  if (made != nullptr) check_interval(of, at, dynamic_cast<const limits_epochs*>(made.get()), faults);
  if (made == nullptr || !made->one_epoch()) return;
  const auto* const growing = dynamic_cast<const grows_in_place*>(made.get());
  // What each epoch has written is looked at by itself there.
  const bool by_epoch = is_below_increment(of.made, static_cast<int>(at)) ||
                        (unit.definition.own.is_object() && unit.definition.own.contains(wanted_reconcile));
  if (growing != nullptr && growing->can_grow() && !of.made.commits_each(static_cast<std::uint32_t>(at)) && !by_epoch)
    return;
  const auto& component = unit.definition.component;
  if (unit.definition.mode == "scd2") {
    faults.push_back(
        unit_fault(unit.definition, "/scd2", "one_epoch",
                   "gone: close needs the whole extract in one piece, and the run " +
                       std::string(unit.endless ? "has no end" : "takes checkpoints"),
                   unit.endless ? "write gone: keep" : "write gone: keep, or remove run: { checkpoint: }"));
    return;
  }
  faults.push_back(unit_fault(
      unit.definition, "/" + component, "one_epoch",
      std::string("rows can't be added to this target after a checkpoint") +
          (growing != nullptr && by_epoch ? " by an incremental pipeline or with reconcile" : "") + ", and the run " +
          std::string(unit.endless ? "has no end: it commits with each checkpoint" : "takes checkpoints"),
      unit.endless ? "give a folder, with / at its end: " + component + ": { path: out/" + unit.definition.name + "/ }"
      : unit.definition.commit_each ? "give a folder, with / at its end, or remove commit: checkpoint"
                                    : "give a folder, with / at its end, or remove run: { checkpoint: }"));
}

}  // namespace

void check_checkpoints(const draft& of, const run_context& context, diagnostics& faults) {
  if (!of.made.checkpoint_interval()) return;
  for (std::size_t at = 0; at < of.made.units.size(); ++at) {
    check_ends(of, at, faults);
    if (of.made.units[at].definition.role != unit_role::load) continue;
    check_upsert(of, at, faults);
    check_epochs(of, at, context, faults);
  }
}

}  // namespace sluice
