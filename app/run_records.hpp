#pragma once

#include "app/session.hpp"

namespace sluice::app {

/// Writes the end of runs whose process is gone: they become failed, with the cause, in the Store and in `runs`.
void bury_dead(store::store& in, std::vector<store::run_record>& runs);

/// Finds a run by id, prefix, pipeline or "last", its death noticed.
result<store::run_record> find_run(store::store& in, const std::string& reference);

/// A run as `--json` shows it; times as RFC 3339 text.
options to_json(const store::run_record& run);
/// The part of an id that tells runs apart and still fits a table.
std::string short_id(const std::string& id);
/// RFC 3339 in UTC with microseconds; empty for 0.
std::string utc_text(std::int64_t microseconds);
/// Reads such a text back; 0 where it is none.
std::int64_t microseconds_of(const std::string& utc);

}  // namespace sluice::app
