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

/// A statement in use: bound and stepped; reset when it goes out of scope.
class statement_in_use final : public database_row {
 public:
  explicit statement_in_use(sqlite3_stmt* statement) : statement_(statement) {}
  ~statement_in_use() override {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  statement_in_use(const statement_in_use&) = delete;
  statement_in_use& operator=(const statement_in_use&) = delete;

  /// The texts must live until the end.
  void bind(std::span<const database_value> arguments) {
    int place = 0;
    for (const auto& one : arguments) {
      ++place;
      if (const auto* number = std::get_if<std::int64_t>(&one)) {
        sqlite3_bind_int64(statement_, place, *number);
      } else {
        const auto text = std::get<std::string_view>(one);
        sqlite3_bind_text64(statement_, place, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_STATIC,
                            SQLITE_UTF8);
      }
    }
  }
  [[nodiscard]] std::int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] std::string text(int column) const override {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const auto size = sqlite3_column_bytes(statement_, column);
    return data == nullptr ? std::string{} : std::string(data, static_cast<std::size_t>(size));
  }

 private:
  sqlite3_stmt* statement_;
};

}  // namespace

sqlite_database::~sqlite_database() {
  for (const auto& entry : statements_) sqlite3_finalize(entry.second);
  sqlite3_close_v2(connection_);
}

status sqlite_database::open(const std::string& path, int busy_milliseconds) {
  path_ = path;
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
    auto outcome =
        each("PRAGMA journal_mode = WAL", [&](const database_row& row) { return mode = row.text(0), false; });
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

status sqlite_database::query(const char* sql, std::span<const database_value> arguments, const row_reader& row) {
  SLUICE_ASSIGN(auto* statement, prepare(sql));
  statement_in_use used(statement);
  used.bind(arguments);
  while (true) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return from_sqlite(connection_, code);
    if (!row(used)) return {};
  }
}

std::int64_t sqlite_database::changed() const { return sqlite3_changes64(connection_); }

result<std::int64_t> sqlite_database::next_cursor() {
  // SQLite's own note of the highest number: those of events that were removed are not used again.
  std::int64_t last = 0;
  SLUICE_TRY(each("SELECT seq FROM sqlite_sequence WHERE name = 'events'",
                  [&](const database_row& row) { return last = row.integer(0), false; }));
  return last + 1;
}

result<std::int64_t> sqlite_database::version() {
  std::int64_t found = 0;
  SLUICE_TRY(each("PRAGMA user_version", [&](const database_row& row) { return found = row.integer(0), false; }));
  return found;
}

status sqlite_database::set_version(std::int64_t to) {
  return execute(("PRAGMA user_version = " + std::to_string(to)).c_str());
}

}  // namespace sluice::store
