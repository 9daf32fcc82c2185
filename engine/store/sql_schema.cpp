#include "engine/store/sql_schema.hpp"

#include "engine/store/database.hpp"
#include "engine/store/sql_commits.hpp"
#include "engine/store/sql_deliveries.hpp"
#include "engine/store/sql_leadership.hpp"
#include "engine/store/sql_leases.hpp"
#include "engine/store/sql_schedules.hpp"
#include "engine/store/sql_source_state.hpp"
#include "engine/store/sql_totals.hpp"

#include <cstdint>

namespace sluice::store {

namespace {

constexpr std::int64_t schema_version = 6;

/// Makes the tables of version 1. `position` of a run orders runs made within the same microsecond.
constexpr const char* schema[] = {
    "CREATE TABLE runs (position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, pipeline TEXT NOT NULL, "
    "owner TEXT NOT NULL, tags TEXT NOT NULL, state TEXT NOT NULL, cause TEXT NOT NULL, created INTEGER NOT NULL, "
    "started INTEGER NOT NULL, ended INTEGER NOT NULL, fingerprint TEXT NOT NULL, text TEXT NOT NULL, "
    "params TEXT NOT NULL, plan BLOB NOT NULL, summary TEXT NOT NULL, pid INTEGER NOT NULL, "
    "pid_started INTEGER NOT NULL, node TEXT NOT NULL, endpoint TEXT NOT NULL, term INTEGER NOT NULL, "
    "sequence INTEGER NOT NULL)",
    "CREATE INDEX runs_by_pipeline ON runs (pipeline, position)",
    "CREATE INDEX runs_by_state ON runs (state, position)",
    "CREATE TABLE events (cursor INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, "
    "sequence INTEGER NOT NULL, type TEXT NOT NULL, unit TEXT NOT NULL, time INTEGER NOT NULL, data TEXT NOT NULL, "
    "UNIQUE (run, sequence))",
    "CREATE TABLE transitions (run TEXT NOT NULL, time INTEGER NOT NULL, state TEXT NOT NULL, "
    "cause TEXT NOT NULL)",
    "CREATE INDEX transitions_by_run ON transitions (run)",
    "CREATE TABLE cursors (subscriber TEXT PRIMARY KEY, cursor INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE lease (\"only\" INTEGER PRIMARY KEY CHECK (\"only\" = 1), term INTEGER NOT NULL)",
    "INSERT INTO lease VALUES (1, 0)",
};

status make_schema(database& in) {
  store_transaction transaction(in);
  SLUICE_TRY(transaction.begin());
  SLUICE_ASSIGN(const auto found, in.version());
  if (found != 0) return {};  // another process was faster
  for (const auto* statement : schema) SLUICE_TRY(in.execute(statement));
  SLUICE_TRY(in.set_version(1));
  return transaction.commit();
}

/// Brings the tables of an older sluice up to date, one version after the other.
status migrate(database& in) {
  store_transaction transaction(in);
  SLUICE_TRY(transaction.begin());
  SLUICE_ASSIGN(const auto found, in.version());
  if (found < 2) SLUICE_TRY(make_source_state_tables(in));
  if (found < 3) {
    SLUICE_TRY(make_lease_tables(in));
    SLUICE_TRY(make_commit_tables(in));
    SLUICE_TRY(make_totals_table(in));
  }
  if (found < 4) SLUICE_TRY(make_delivery_tables(in));
  if (found < 5) SLUICE_TRY(make_schedule_tables(in));
  if (found < 6) SLUICE_TRY(make_leader_columns(in));
  SLUICE_TRY(in.set_version(schema_version));
  return transaction.commit();
}

}  // namespace

status bring_schema_up_to_date(database& in) {
  SLUICE_ASSIGN(auto found, in.version());
  if (found == 0) {
    SLUICE_TRY(make_schema(in));
    SLUICE_ASSIGN(found, in.version());
  }
  if (found < schema_version) SLUICE_TRY(migrate(in));
  if (found > schema_version)
    return user_error("store_too_new",
                      "the state in " + in.where() +
                          " was written by a newer version of sluice (its state version is " + std::to_string(found) +
                          ", this program supports " + std::to_string(schema_version) + ")",
                      "use that version, or another --state");
  return {};
}

}  // namespace sluice::store
