#pragma once

#include "engine/clients/sqlite/connection.hpp"
#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::sqlite {

/// What SQLite does to values that are put into a column (https://sqlite.org/datatype3.html, section 3).
enum class affinity { text, numeric, integer, real, none };
affinity affinity_of(const std::string& declared);

/// A column of ours and the affinity it has in the table.
struct column {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  affinity kind = affinity::none;
};

/// The table as it is to be, or as it is.
struct table {
  std::string name;
  bool exists = false;
  std::vector<column> columns;                        ///< ours, in our order
  std::vector<std::string> key;                       ///< for upsert, else empty
  std::vector<std::string> added;                     ///< columns that `create: evolve` adds: "name TYPE"
  std::vector<std::string> definition;                ///< SQL that makes an empty one like it, unique indexes too
  std::vector<std::vector<std::string>> unique_keys;  ///< columns of every rule that rows be unique
};

/// Digits that a decimal keeps in a column that holds numbers (as double); decimals of more are stored as text.
inline constexpr int exact_digits = 15;

/// The type under which a column is made: BOOLEAN, INTEGER, REAL, DECIMAL(12,2), TEXT, BLOB.
std::string declared_type(const arrow::DataType& type);

/// Describes the table that will be made for a schema.
table new_table(const std::string& name, const arrow::Schema& schema, const std::vector<std::string>& key);

/// Looks the table up and checks that rows of the schema fit; `exists` false where it is not there.
/// With `evolve`, columns that the table lacks are in `added`, for add_columns.
/// Errors: unknown_column, missing_column, type_mismatch, no_unique_key, is_a_view.
result<table> find_table(connection& database, const std::string& name, const arrow::Schema& schema,
                         const std::vector<std::string>& key, bool evolve = false);
/// Adds the columns that find_table has found missing.
status add_columns(connection& database, const table& to);

/// INSERT with one question mark a column; for tables with a key the row replaces the one with the same key.
std::string insert_statement(const table& into);
/// The same for all rows of the table of that name in the attached database `from`.
std::string move_statement(const table& into, const std::string& from);

}  // namespace sluice::sqlite
