#pragma once

#include "engine/error/error.hpp"
#include "engine/store/process.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace sluice::store {

/// A row that a query gives; valid within the call that gets it.
class database_row {
 public:
  virtual ~database_row() = default;
  /// 0 for null; a truth value is 1 or 0.
  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
  /// Empty for null.
  [[nodiscard]] virtual std::string text(int column) const = 0;
};

using database_value = std::variant<std::int64_t, std::string_view>;
using row_reader = std::function<bool(const database_row&)>;

/// A connection to a database that keeps a Store; one thread at a time. The Store's SQL is written once, in what SQLite
/// and PostgreSQL both know: `?` and `?1` stand for arguments, tables are made with SQLite's names of types (the other
/// one translates them), and texts compare by their bytes. Texts may hold any bytes.
class database {
 public:
  database() = default;
  virtual ~database() = default;
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  /// Runs one statement with `arguments` (integers and text).
  template <class... Arguments>
  status execute(const char* sql, const Arguments&... arguments) {
    return each(
        sql, [](const database_row&) { return false; }, arguments...);
  }
  /// Calls `row` (giving whether to go on) with every row of a query. It may run other statements.
  template <class Row, class... Arguments>
  status each(const char* sql, Row&& row, const Arguments&... arguments) {
    const std::array<database_value, sizeof...(Arguments)> values = {value_of(arguments)...};
    return query(sql, values, std::forward<Row>(row));
  }

  /// Number of rows that the last INSERT, UPDATE or DELETE has changed.
  [[nodiscard]] virtual std::int64_t changed() const = 0;

  /// Begins a transaction. From here on no other process writes to the Store, and everything that others have
  /// committed is seen.
  virtual status begin() = 0;
  /// Makes it durable. Error store_answer_lost: it is not known whether it is.
  virtual status commit() = 0;
  virtual void roll_back() = 0;
  /// A place in the transaction that can be gone back to; there is one at a time.
  virtual status set_savepoint() = 0;
  virtual status go_back() = 0;
  virtual status leave_savepoint() = 0;
  /// Whether a transaction that failed of this has changed nothing, and is to be run again.
  [[nodiscard]] virtual bool goes_again(const error& problem) = 0;

  /// The cursor of the next event that is written; within a transaction. Ascends in the order of commits, without gaps.
  virtual result<std::int64_t> next_cursor() = 0;
  /// This process and the moment by the Store's clock: within a transaction that of its begin.
  [[nodiscard]] virtual observer observed() = 0;

  /// Version of the Store's tables; 0: there are none.
  virtual result<std::int64_t> version() = 0;
  virtual status set_version(std::int64_t to) = 0;
  /// Where it is, for messages.
  [[nodiscard]] virtual const std::string& where() const = 0;

 protected:
  virtual status query(const char* sql, std::span<const database_value> arguments, const row_reader& row) = 0;

 private:
  static database_value value_of(std::int64_t value) { return value; }
  static database_value value_of(std::string_view text) { return text; }
};

/// Rolled back unless committed.
class store_transaction {
 public:
  explicit store_transaction(database& in) : in_(in) {}
  ~store_transaction() {
    if (open_) in_.roll_back();
  }
  store_transaction(const store_transaction&) = delete;
  store_transaction& operator=(const store_transaction&) = delete;

  status begin() {
    SLUICE_TRY(in_.begin());
    open_ = true;
    return {};
  }
  status commit() {
    open_ = false;
    auto done = in_.commit();
    if (!done.ok()) in_.roll_back();
    return done;
  }

 private:
  database& in_;
  bool open_ = false;
};

}  // namespace sluice::store
