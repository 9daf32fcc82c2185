#pragma once

#include "engine/error/error.hpp"

#include <string>

namespace sluice::store {

class database;

/// Makes the Store's tables where there are none, and brings those of an older sluice up to date. Error:
/// store_too_new.
status bring_schema_up_to_date(database& in);

}  // namespace sluice::store
