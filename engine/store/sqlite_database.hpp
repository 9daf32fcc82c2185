#pragma once

#include "engine/store/database.hpp"

#include <map>
#include <string>

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::store {

/// A connection to a SQLite file.
class sqlite_database final : public database {
 public:
  sqlite_database() = default;
  ~sqlite_database() override;
  sqlite_database(const sqlite_database&) = delete;
  sqlite_database& operator=(const sqlite_database&) = delete;

  /// Opens (and makes) the file, in WAL mode, with every commit on disk before it returns.
  status open(const std::string& path, int busy_milliseconds);

  [[nodiscard]] std::int64_t changed() const override;
  /// Takes the write lock at once, so that a later statement can't lose to another writer.
  status begin() override { return execute("BEGIN IMMEDIATE"); }
  status commit() override { return execute("COMMIT"); }
  void roll_back() override { (void)execute("ROLLBACK"); }
  status set_savepoint() override { return execute("SAVEPOINT one"); }
  status go_back() override { return execute("ROLLBACK TO one"); }
  status leave_savepoint() override { return execute("RELEASE one"); }
  [[nodiscard]] bool goes_again(const error&) override { return false; }
  result<std::int64_t> next_cursor() override;
  [[nodiscard]] observer observed() override { return observe(); }
  result<std::int64_t> version() override;
  status set_version(std::int64_t to) override;
  [[nodiscard]] const std::string& where() const override { return path_; }

 protected:
  status query(const char* sql, std::span<const database_value> arguments, const row_reader& row) override;

 private:
  result<sqlite3_stmt*> prepare(const char* sql);
  status use_wal(int busy_milliseconds);

  std::string path_;
  sqlite3* connection_ = nullptr;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

}  // namespace sluice::store
