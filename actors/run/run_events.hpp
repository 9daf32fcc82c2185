#pragma once

#include "actors/run/decision.hpp"
#include "actors/run/run_setup.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::actors {

/// An event of a run or of one of its units.
store::event event_of(const run_setup& run, std::string type, const std::string& unit = {},
                      options data = options::object());

/// What is told when all units are at work: run.started and what its sources read; of a run that is tried again
/// run.recovered, with the checkpoint that it goes on from.
std::vector<store::event> first_events(const run_setup& of);

/// What failed with a run, beside the run itself: the checkpoint that was under way.
std::vector<store::event> what_failed(const run_setup& of, const error& why, std::optional<std::uint64_t> checkpoint);

/// The outcome of a try as that of its run: how often it was tried, and the cause of the first failure, where all tries
/// have failed of what may pass.
run_outcome outcome_of_run(const run_setup& of, run_outcome made);

/// What is written when a try ends. `wait`: before the next one; `epoch`: the last complete checkpoint of the run, 0
/// where there is none; `events`: those that were not written yet.
decision::last_words last_words_of(const run_setup& of, const run_outcome& how,
                                   std::optional<std::chrono::microseconds> wait, std::uint64_t epoch,
                                   std::vector<store::event> events);

/// Why a run may not go on: it takes longer than it may, or its units are not started in time. `age` in microseconds
/// since its first try began; `launching`: microseconds since it waits for its units; nothing where it has them.
std::optional<error> over_limit(const plan& of, std::int64_t age, std::optional<std::int64_t> launching);

}  // namespace sluice::actors
