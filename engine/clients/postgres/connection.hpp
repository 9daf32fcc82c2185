#pragma once

#include "engine/component/interruption.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct pg_conn;
struct pg_result;

namespace sluice::postgres {

using text_value = std::optional<std::string>;  ///< nothing: null
using text_row = std::vector<text_value>;

/// What a server says about a statement that it refused (PostgreSQL's documentation, "Error and Notice Message
/// Fields").
struct refusal {
  std::string state;    ///< SQLSTATE; empty: the connection was lost
  std::string primary;  ///< what went wrong
  std::string detail;
  std::string context;
  std::string column;
  std::string constraint;
  std::optional<std::uint64_t> copy_line;  ///< of a COPY: the row, from 1

  /// True where the row's values are the reason: constraint, range, length, encoding.
  [[nodiscard]] bool is_of_row() const;
  [[nodiscard]] bool is_unique_violation() const { return state == "23505"; }
};

/// A column that a query gives. A domain is told as what it is made of.
struct described_column {
  std::string name;
  std::uint32_t type = 0;  ///< oid
  int modifier = -1;
};

/// What a prepared statement has given and done.
struct executed {
  std::vector<text_row> rows;
  std::int64_t changed = 0;  ///< rows
};

/// A connection to a server, for one thread at a time. Calls wait for the server, or until the interruption is raised
/// (interrupted). Errors name server and database, never a password. After connection_lost every call fails.
class connection {
 public:
  /// Connects. `url` is a URL (postgresql://user@host:port/database?sslmode=require) or libpq's "host=... dbname=...".
  /// Errors: invalid_url, cannot_connect (retry), authentication_failed, unknown_database, too_many_connections
  /// (retry).
  static result<std::unique_ptr<connection>> open(const std::string& url, interruption& stop);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Runs statements; what they give is left out.
  status run(const std::string& sql, const std::vector<text_value>& arguments = {});
  /// Runs one statement, all values as text.
  result<std::vector<text_row>> rows(const std::string& sql, const std::vector<text_value>& arguments = {});
  /// Runs one statement; gives how many rows it has changed.
  result<std::uint64_t> change(const std::string& sql, const std::vector<text_value>& arguments = {});

  /// Prepares one statement under a name, `types` being the oids of its arguments.
  status prepare(const std::string& name, const std::string& sql, const std::vector<std::uint32_t>& types);
  /// Runs a prepared statement, all values as text.
  result<executed> execute(const std::string& name, const std::vector<text_value>& arguments);

  /// The columns of one statement, which is not run.
  result<std::vector<described_column>> describe(const std::string& sql);

  /// COPY ... FROM STDIN: begins, takes bytes, ends. After an error of `put` or `end_copy` the copy is over.
  status start_copy_in(const std::string& sql);
  status put(std::string_view bytes);
  result<std::uint64_t> end_copy();

  /// COPY ... TO STDOUT: begins; then gives messages of bytes, which live until the next call, and nothing at the end.
  status start_copy_out(const std::string& sql);
  result<std::optional<std::string_view>> next_copied();

  /// False after the connection was lost.
  [[nodiscard]] bool alive() const;
  /// True within a transaction that has not failed.
  [[nodiscard]] bool in_transaction() const;
  /// What the last statement was refused for.
  [[nodiscard]] const refusal& why() const { return why_; }
  /// "host:port/database", for messages.
  [[nodiscard]] const std::string& where() const { return where_; }
  /// For example 150018.
  [[nodiscard]] int version() const;

 private:
  struct closer {
    void operator()(pg_conn* handle) const;
  };
  struct clearer {
    void operator()(pg_result* held) const;
  };
  using answer = std::unique_ptr<pg_result, clearer>;

  explicit connection(interruption& stop) : stop_(stop) {}
  status finish_connecting(std::chrono::steady_clock::time_point until);
  error refused_to_connect() const;
  status send(const std::string& sql, const std::vector<text_value>& arguments);
  status flush();
  /// The next result; null: there are no more.
  result<answer> next();
  /// All results of a statement, the last of which is given.
  result<answer> finish();
  status check(const pg_result& of);
  error lost();

  interruption& stop_;
  std::unique_ptr<pg_conn, closer> handle_;
  std::string where_;
  refusal why_;
  char* copied_ = nullptr;  ///< what next_copied gave last
};

/// The error for what a server has refused, `doing` being what was tried.
error refused_error(const refusal& why, const std::string& doing, const std::string& where);

/// Checks the form of a URL; the error does not show it, because it may hold a password.
status check_url(const std::string& url);
/// "host:port/database" as a URL says it, for plans: no password in it.
std::string place_of(const std::string& url);

}  // namespace sluice::postgres
