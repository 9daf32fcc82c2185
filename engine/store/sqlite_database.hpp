#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::store {

/// One prepared statement in use: bound and stepped; reset when it goes out of scope.
class sqlite_query {
 public:
  sqlite_query(sqlite3* connection, sqlite3_stmt* statement) : connection_(connection), statement_(statement) {}
  ~sqlite_query();
  sqlite_query(const sqlite_query&) = delete;
  sqlite_query& operator=(const sqlite_query&) = delete;

  /// Binds the next `?`; the text must live until the query ends.
  void bind(std::int64_t value);
  void bind(std::string_view text);
  /// Steps to the next row; false at the end.
  result<bool> next();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;

 private:
  sqlite3* connection_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

/// A connection to a SQLite file whose calls give errors as values. Used by one thread at a time.
class sqlite_database {
 public:
  sqlite_database() = default;
  ~sqlite_database();
  sqlite_database(const sqlite_database&) = delete;
  sqlite_database& operator=(const sqlite_database&) = delete;

  /// Opens (and makes) the file, in WAL mode, with every commit on disk before it returns.
  status open(const std::string& path, int busy_milliseconds);

  /// Runs one statement with `arguments` (integers and text) for its question marks.
  template <class... Arguments>
  status execute(const char* sql, const Arguments&... arguments) {
    return each(
        sql, [](const sqlite_query&) { return false; }, arguments...);
  }
  /// Calls `row` (giving whether to go on) with every row of a query.
  template <class Row, class... Arguments>
  status each(const char* sql, Row&& row, const Arguments&... arguments) {
    SLUICE_ASSIGN(auto* statement, prepare(sql));
    sqlite_query query(connection_, statement);
    (query.bind(arguments), ...);
    while (true) {
      SLUICE_ASSIGN(const bool found, query.next());
      if (!found || !row(std::as_const(query))) return {};
    }
  }
  /// Number of rows that the last statement changed.
  [[nodiscard]] int changed() const;
  [[nodiscard]] std::int64_t last_row() const;

 private:
  result<sqlite3_stmt*> prepare(const char* sql);
  status use_wal(int busy_milliseconds);

  sqlite3* connection_ = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

/// Takes the write lock at once, so that a later statement can't lose to another writer; rolled back unless committed.
class sqlite_transaction {
 public:
  explicit sqlite_transaction(sqlite_database& database) : database_(database) {}
  ~sqlite_transaction();
  sqlite_transaction(const sqlite_transaction&) = delete;
  sqlite_transaction& operator=(const sqlite_transaction&) = delete;

  status begin();
  status commit();

 private:
  sqlite_database& database_;
  bool open_ = false;
};

}  // namespace sluice::store
