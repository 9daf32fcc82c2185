#pragma once

#include "engine/clients/sqlite/connection.hpp"
#include "engine/columns/source_columns.hpp"
#include "engine/columns/typed/column_plan.hpp"
#include "engine/component/source.hpp"
#include "engine/values/time_zone.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::sqlite {

/// What a sqlite source reads. Never changes; shared by its readers.
struct query_table {
  std::string unit;
  std::string path;    ///< of the database
  std::string select;  ///< the query, or SELECT * of the table
  std::string shown;   ///< "shop.db:orders", or "shop.db:query"
  /// All columns of the query, or those that `columns:` names, in its order: the statement may have them elsewhere.
  std::vector<typed::column_plan> records;
  source_columns columns;
  zone_clock zone;
  std::uint32_t number = 0;
  bool want_positions = true;
  on_error policy = on_error::reject;
};

/// The place of a column among those that a statement gives.
std::optional<int> column_of(const statement& query, const std::string& name);

/// The type of a column that was declared as `declared` in a table; null where that says nothing of its values.
std::shared_ptr<arrow::DataType> type_of_declaration(const std::string& declared);

/// The columns of a query: types as `given` (`types:`), else as declared, else from the first 1,000 rows. The errors:
/// what SQLite says of the query, duplicate_column.
result<std::vector<typed::column_plan>> describe_query(connection& in, const std::string& select,
                                                       const std::map<std::string, typed::column_plan>& given);

/// Of columns that are marked as guessed: those whose type the table declares are not.
status mark_guesses(connection& in, const std::string& select, std::vector<typed::column_plan>& columns);

/// The source of a query: one split, read within one transaction. A position is a number of rows, and what the file was
/// like: rows are skipped up to it, if the file is still the same.
std::unique_ptr<source> make_query_source(std::shared_ptr<const query_table> what);

}  // namespace sluice::sqlite
