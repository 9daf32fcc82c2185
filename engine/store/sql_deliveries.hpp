#pragma once

#include "engine/store/deliveries.hpp"
#include "engine/store/process.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sluice::store {

class database;
class store_writer;

// The SQL of subscriptions and deliveries, run inside the Store's transactions.

/// Makes the tables (version 4 of the schema).
status make_delivery_tables(database& in);

/// `self`: the process that uses the Store; `renew` renews its lease, inside a transaction.
std::unique_ptr<delivery_log> make_sql_deliveries(database& database, store_writer& writer, const process_record& self,
                                                  std::function<status(const observer&)> renew);

}  // namespace sluice::store
