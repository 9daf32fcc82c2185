#pragma once

#include "engine/store/schedules.hpp"

#include <memory>

namespace sluice::store {

class sqlite_database;
class sqlite_writer;

// The SQL of deployed pipelines and the runs that are due.

/// Makes the tables (version 5 of the schema).
status make_schedule_tables(sqlite_database& in);

std::unique_ptr<schedule_log> make_sqlite_schedules(sqlite_database& database, sqlite_writer& writer);

}  // namespace sluice::store
