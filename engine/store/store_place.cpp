#include "engine/store/store_place.hpp"

#include "engine/clients/postgres/connection.hpp"
#include "engine/store/postgres_database.hpp"
#include "engine/store/sql_store.hpp"
#include "engine/store/sqlite_database.hpp"
#include "engine/store/sqlite_file.hpp"

namespace sluice::store {

bool is_database_url(std::string_view place) {
  return place.starts_with("postgresql://") || place.starts_with("postgres://");
}

result<std::shared_ptr<store>> open_store(const std::string& place) {
  if (!is_database_url(place)) return open_sqlite(place);
  auto writing = std::make_unique<postgres_database>(place);
  SLUICE_TRY(writing->open());
  return open_sql_store({.writing = std::move(writing), .reading = std::make_unique<postgres_database>(place)});
}

result<pruned> prune_store(const std::string& place, const prune_rule& rule) {
  if (!is_database_url(place)) {
    sqlite_database in;
    SLUICE_TRY(open_sqlite_file(in, place));
    return prune(in, rule);
  }
  postgres_database in(place);
  SLUICE_TRY(in.open());
  return prune(in, rule);
}

std::string shown_place(const std::string& place) {
  return is_database_url(place) ? "postgresql://" + postgres::place_of(place) : place;
}

}  // namespace sluice::store
