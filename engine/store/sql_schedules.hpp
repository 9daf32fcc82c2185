#pragma once

#include "engine/store/schedules.hpp"

#include <memory>

namespace sluice::store {

class database;
class store_writer;

// The SQL of deployed pipelines and the runs that are due.

/// Makes the tables (version 5 of the schema).
status make_schedule_tables(database& in);

std::unique_ptr<schedule_log> make_sql_schedules(database& database, store_writer& writer);

}  // namespace sluice::store
