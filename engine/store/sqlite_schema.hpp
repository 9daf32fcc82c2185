#pragma once

#include "engine/error/error.hpp"

#include <string>

namespace sluice::store {

class sqlite_database;

/// Makes the Store's tables where there are none, and brings those of an older sluice up to date. `path` is for
/// messages. Error: store_too_new.
status bring_schema_up_to_date(sqlite_database& in, const std::string& path);

}  // namespace sluice::store
