#pragma once

#include "engine/error/error.hpp"

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

  static result<connection> open(const std::string& path, access how);

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
  explicit connection(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::unique_ptr<sqlite3, closer> handle_;
};

/// A name or a text as SQLite's language writes it.
std::string quoted_name(const std::string& name);
std::string quoted_text(const std::string& text);

}  // namespace sluice::sqlite
