#pragma once

#include "engine/component/interruption.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::sqlite {

/// A prepared statement; finalised at its end.
struct finalizer {
  void operator()(sqlite3_stmt* finished) const;
};
using statement = std::unique_ptr<sqlite3_stmt, finalizer>;

/// A connection to a database file, for one thread at a time. Errors name the file and say who is to act.
class connection {
 public:
  enum class access { read, write, create };

  /// Calls wait up to 10 s for others that hold the database (database_busy), or until `stop` is raised (interrupted);
  /// it outlives the connection.
  static result<connection> open(const std::string& path, access how, interruption& stop);

  /// Runs statements that give no rows.
  status run(const std::string& sql);
  /// Runs a query and gives all of its rows, every value as text (null: empty).
  result<std::vector<std::vector<std::string>>> rows(const std::string& sql,
                                                     const std::vector<std::string>& arguments = {});
  result<statement> prepare(const std::string& sql);
  /// The error behind a result code, `doing` being what was tried.
  [[nodiscard]] error failed(int code, const std::string& doing) const;
  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }

 private:
  struct closer {
    void operator()(sqlite3* handle) const;
  };
  /// One wait for a lock.
  struct waiting {
    interruption& stop;
    std::chrono::steady_clock::time_point until = {};
  };
  /// SQLite's busy handler: sleeps a little; 0 where the call is to give up.
  static int wait_for_others(void* state, int tries);
  connection(std::string path, interruption& stop)
      : path_(std::move(path)), waiting_(std::make_unique<waiting>(waiting{stop})) {}

  std::string path_;
  std::unique_ptr<waiting> waiting_;  ///< SQLite knows its address
  std::unique_ptr<sqlite3, closer> handle_;
};

/// A name or a text as SQLite's language writes it.
std::string quoted_name(const std::string& name);
std::string quoted_text(const std::string& text);

}  // namespace sluice::sqlite
