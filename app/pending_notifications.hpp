#pragma once

#include "actors/run/run.hpp"
#include "app/session.hpp"
#include "engine/store/deliveries.hpp"

#include <caf/actor.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace sluice::app {

/// Starts what sends notifications in this process.
caf::actor start_deliveries(actors::engine& in, const std::shared_ptr<store::store>& from);

/// Waits for the notifications that are due, for `wait` at most, leaves the rest to the next process, and
/// says on stderr how many of `run` that are. Run empty: of all.
/// Gives that number; a rule that can't be worked on here counts as one.
std::int64_t finish_deliveries(session& with, actors::engine& in, const caf::actor& dispatcher, store::store& from,
                               const std::string& run, std::chrono::milliseconds wait);

/// Does both in a process that runs nothing.
std::int64_t send_pending(session& with, const std::shared_ptr<store::store>& from, const std::string& run,
                          std::chrono::milliseconds wait);

/// "2 notifications are pending: pager of daily (2, connection refused)", or empty.
std::string pending_text(const std::vector<store::pending_deliveries>& pending);

}  // namespace sluice::app
