#pragma once

#include "engine/store/leadership.hpp"
#include "engine/store/process.hpp"

#include <functional>
#include <memory>

namespace sluice::store {

class database;
class store_writer;

// The SQL of who leads, and of terms.

/// Makes the columns that say who leads (version 6 of the schema).
status make_leader_columns(database& in);
/// The newest term that a controller has taken.
result<std::int64_t> newest_term(database& in);
/// Takes the next term, above those of all runs, and the lead with it; `process` is a lease's id, or empty.
result<std::int64_t> take_next_term(database& in, const std::string& process, const std::string& endpoint = {});

/// `self`: the process that uses the Store; `renew` renews its lease, inside a transaction.
std::unique_ptr<leadership> make_sql_leadership(database& database, store_writer& writer, const process_record& self,
                                                std::function<status(const observer&)> renew);

}  // namespace sluice::store
