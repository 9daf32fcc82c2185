#pragma once

#include "engine/store/store.hpp"

#include <memory>

namespace sluice::store {

class database;

/// Where a Store of one kind is kept.
struct store_databases {
  std::unique_ptr<database> writing;
  std::unique_ptr<database> reading;  ///< of its own, so that looking does not wait for writers; null: the same one
};

/// The Store over a database of any kind, whose tables it makes and brings up to date. Error: store_too_new.
result<std::shared_ptr<store>> open_sql_store(store_databases on);

}  // namespace sluice::store
