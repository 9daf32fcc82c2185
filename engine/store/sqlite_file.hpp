#pragma once

#include "engine/error/error.hpp"

#include <string>

namespace sluice::store {

class sqlite_database;

/// Opens the Store's file, and makes it (with its folder) where there is none: only its owner's, and complete before it
/// has its name, so that an empty one is always a damaged one (store_corrupt).
status open_sqlite_file(sqlite_database& into, const std::string& path);

}  // namespace sluice::store
