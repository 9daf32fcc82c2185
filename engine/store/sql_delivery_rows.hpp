#pragma once

#include "engine/store/deliveries.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sluice::store {

class database;
class database_row;

// The SQL of single deliveries, run inside the Store's transactions.

#define SLUICE_DELIVERY                                                                                         \
  "number, subscription, channel, lane, key, kind, type, run, cursor, body, state, tries, created, first_try, " \
  "last_try, next_at, answer"

/// Of a row with the columns of SLUICE_DELIVERY.
delivery delivery_from(const database_row& row);
/// Adds one, unless its key is known. Behind one of its lane that has failed it waits; what a disabled channel would
/// get is dropped.
status insert_delivery(database& in, const delivery& one);
/// The first delivery that is open and due, of a lane that is not busy; with the columns of SLUICE_DELIVERY.
status first_open_delivery(database& in, const std::string& subscription, const std::string& channel, std::int64_t now,
                           const std::vector<std::string>& busy, const std::function<void(const database_row&)>& take);
/// Notes what became of tries.
status note_tries(database& in, const tried_turn& turn);
/// Removes those that are done, but for the newest 1,000.
status forget_done_deliveries(database& in, const std::string& subscription, const std::string& channel);

}  // namespace sluice::store
