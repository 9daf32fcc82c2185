#pragma once

#include "engine/store/deliveries.hpp"
#include "engine/store/process.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::store {

class sqlite_database;
class sqlite_writer;

// The SQL of subscriptions and deliveries, run inside the Store's transactions.

/// Makes the tables (version 4 of the schema).
status make_delivery_tables(sqlite_database& in);
/// Appends events that belong to no run; gives cursor, id and sequence.
status append_events_without_run(sqlite_database& in, std::vector<event>& events, std::int64_t now);
/// The id under which this Store's events without a run stand.
result<std::string> stream_id(sqlite_database& in);

/// `self`: the process that uses the Store; `renew` renews its lease, inside a transaction.
std::unique_ptr<delivery_log> make_sqlite_deliveries(sqlite_database& database, sqlite_writer& writer,
                                                     const process_record& self,
                                                     std::function<status(const observer&)> renew);

}  // namespace sluice::store
