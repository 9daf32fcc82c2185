#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::app {

/// A table of a database, as `sluice init --from` finds it.
struct database_table {
  std::string schema;  ///< empty: the database has none
  std::string table;
  std::int64_t rows = -1;            ///< estimated by the server; -1: unknown
  std::vector<std::string> columns;  ///< "id bigint", "name text"
  std::vector<std::string> key;      ///< columns of the primary key
  std::string changed_at;            ///< a column of times that says when a row changed, by its name; empty: none

  /// As patterns and messages name it: shop.orders.
  [[nodiscard]] std::string shown() const { return schema.empty() ? table : schema + "." + table; }
};

/// A database by its URL: postgres://user@host/database, or sqlite:FILE, or the path of a SQLite file.
struct database_address {
  std::string kind;      ///< postgres or sqlite
  std::string url;       ///< postgres: without its password
  std::string password;  ///< postgres: as the URL had it
  std::string path;      ///< sqlite
  std::string name;      ///< of the database, for the pipeline
};
/// Errors: bad_arguments.
result<database_address> parse_database(const std::string& from);

/// All tables and views that the user sees, without those of the system, by name.
result<std::vector<database_table>> tables_of(const database_address& database);

}  // namespace sluice::app
