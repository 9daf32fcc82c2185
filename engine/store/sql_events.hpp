#pragma once

#include "engine/store/store.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::store {

class database;

// The SQL of the event log, run inside the Store's transactions.

/// Writes an event and gives its cursor.
status append_event(database& in, event& one);
/// Appends events that belong to no run; gives cursor, id and sequence.
status append_events_without_run(database& in, std::vector<event>& events, std::int64_t now);
/// The id under which this Store's events without a run stand.
result<std::string> stream_id(database& in);
/// Events above a cursor, oldest first; `run` empty: of all. `stream` is the Store's `stream_id`.
result<std::vector<event>> read_events(database& in, const std::string& stream, std::int64_t after,
                                       const std::string& run, std::int64_t limit);
/// 0 where there is none.
result<std::int64_t> newest_cursor(database& in);

}  // namespace sluice::store
