#pragma once

#include "engine/store/sql_prune.hpp"
#include "engine/store/store.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace sluice::store {

/// True for "postgresql://..." and "postgres://...": the Store is in a PostgreSQL database, in the schema `sluice`.
[[nodiscard]] bool is_database_url(std::string_view place);

/// Opens (and makes) the Store in a SQLite file or, where `place` is a URL, in a PostgreSQL database. Errors: those of
/// open_sqlite; store_unavailable, invalid_url.
result<std::shared_ptr<store>> open_store(const std::string& place);

/// Prunes the Store in a place that exists.
result<pruned> prune_store(const std::string& place, const prune_rule& rule);

/// The place as it may be shown: of a URL without its user and password.
std::string shown_place(const std::string& place);

}  // namespace sluice::store
