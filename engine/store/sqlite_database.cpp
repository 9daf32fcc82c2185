#include "engine/store/sqlite_database.hpp"

#include <sqlite3.h>
#include <unistd.h>

namespace sluice::store {

namespace {

error from_sqlite(sqlite3* connection, int code) {
  const std::string text = connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return external_error("store_busy", "the state database is locked by another process: " + text,
                            "try again; if this continues, check whether another sluice process hangs", true);
    case SQLITE_FULL:
      return external_error("disk_full", "can't write to the state database: " + text,
                            "free space on the disk of --state");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return external_error("store_corrupt", "the state database can't be read: " + text,
                            "move sluice.db out of the state folder, or use another folder with --state");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return external_error("store_unavailable", "can't open the state database for writing: " + text,
                            "use --state or SLUICE_STATE with a folder where you have write permission");
    default:
      return external_error("store_failed", "the state database failed: " + text);
  }
}

}  // namespace

sqlite_query::~sqlite_query() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void sqlite_query::bind(std::int64_t value) { sqlite3_bind_int64(statement_, ++bound_, value); }

void sqlite_query::bind(std::string_view text) {
  sqlite3_bind_text64(statement_, ++bound_, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
}

result<bool> sqlite_query::next() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return from_sqlite(connection_, code);
}

std::int64_t sqlite_query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string sqlite_query::text(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const auto size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string{} : std::string(data, static_cast<std::size_t>(size));
}

sqlite_database::~sqlite_database() {
  for (const auto& entry : statements_) sqlite3_finalize(entry.second);
  sqlite3_close_v2(connection_);
}

status sqlite_database::open(const std::string& path, int busy_milliseconds) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (const int code = sqlite3_open_v2(path.c_str(), &connection_, flags, nullptr); code != SQLITE_OK) {
    auto problem = from_sqlite(connection_, code);
    problem.where = path;
    return problem;
  }
  sqlite3_busy_timeout(connection_, busy_milliseconds);
  SLUICE_TRY(use_wal(busy_milliseconds));
  return execute("PRAGMA synchronous = FULL");
}

status sqlite_database::use_wal(int busy_milliseconds) {
  // The switch to WAL needs the file alone, and SQLite does not call the busy handler for it.
  for (int waited = 0;; waited += 20) {
    std::string mode;
    const auto outcome =
        each("PRAGMA journal_mode = WAL", [&](const sqlite_query& row) { return mode = row.text(0), false; });
    if (outcome.ok() && (mode == "wal" || mode == "memory")) return {};
    if (outcome.ok())
      return external_error("store_unavailable",
                            "the state folder's file system does not support shared memory between processes",
                            "use a folder on a local disk with --state or SLUICE_STATE");
    if (outcome.problem().code != "store_busy" || waited >= busy_milliseconds) return outcome;
    usleep(20'000);
  }
}

result<sqlite3_stmt*> sqlite_database::prepare(const char* sql) {
  if (const auto known = statements_.find(std::string_view(sql)); known != statements_.end()) return known->second;
  sqlite3_stmt* statement = nullptr;
  if (const int code = sqlite3_prepare_v2(connection_, sql, -1, &statement, nullptr); code != SQLITE_OK)
    return from_sqlite(connection_, code);
  statements_.emplace(sql, statement);
  return statement;
}

int sqlite_database::changed() const { return sqlite3_changes(connection_); }
std::int64_t sqlite_database::last_row() const { return sqlite3_last_insert_rowid(connection_); }

sqlite_transaction::~sqlite_transaction() {
  if (open_) (void)database_.execute("ROLLBACK");
}

status sqlite_transaction::begin() {
  SLUICE_TRY(database_.execute("BEGIN IMMEDIATE"));
  open_ = true;
  return {};
}

status sqlite_transaction::commit() {
  SLUICE_TRY(database_.execute("COMMIT"));
  open_ = false;
  return {};
}

}  // namespace sluice::store
