#pragma once

#include "engine/error/error.hpp"
#include "engine/store/process.hpp"

#include <cstdint>
#include <string>

namespace sluice::store {

class database;
class database_row;

// The SQL of leases, run inside the Store's transactions.

/// Makes the table of processes and the columns of runs that refer to it (version 3 of the schema).
status make_lease_tables(database& in);
/// Renews (or makes) a process's lease; false where it had run out or was forgotten.
result<bool> write_lease(database& in, const process_record& self, const observer& now);
/// Forgets the leases that are over, so that their table stays small.
status forget_dead_leases(database& in, const process_record& self, const observer& now);

/// Columns of a process's lease, for `lease_holds`.
#define SLUICE_LEASE_COLUMNS \
  "processes.boot, processes.pid_namespace, processes.pid, processes.pid_started, processes.beat, processes.uptime"
/// Whether a lease is there and holds; `first` is the place of the columns above in the row.
bool lease_holds(const database_row& row, int first, const observer& by);
/// Microseconds since it was renewed; likewise.
std::int64_t silence_of(const database_row& row, int first, const observer& by);

/// Columns of runs that say whose a run is, for `owner_lives`.
#define SLUICE_OWNER_COLUMNS "runs.process, runs.pid, runs.pid_started, " SLUICE_LEASE_COLUMNS
#define SLUICE_OWNER_JOIN " LEFT JOIN processes ON processes.id = runs.process "
/// Whether the process of a run lives; `first` is the place of the columns above in the row. A run that nobody has
/// begun to work on counts as alive.
bool owner_lives(const database_row& row, int first, const observer& by);

}  // namespace sluice::store
