#pragma once

#include "engine/clients/postgres/row_decoder.hpp"
#include "engine/clients/postgres/session.hpp"
#include "engine/columns/source_columns.hpp"
#include "engine/component/source.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::postgres {

/// `partition:`
struct partition_rule {
  std::string column;
  std::int64_t parts = 1;
};

/// What a source reads. Never changes; shared by its readers.
struct query_table {
  std::string unit;
  std::string url;
  retry_rule retry;
  std::uint64_t seed = 0;
  std::string from;   ///< a quoted table, or a query in parentheses with a name
  std::string shown;  ///< the table's name, or "query"
  std::optional<partition_rule> partition;
  std::shared_ptr<arrow::Schema> records;  ///< all columns
  options types;                           ///< `types:` as written, or null
  source_columns columns;
  std::uint32_t number = 0;
  bool want_positions = true;
  on_error policy = on_error::reject;

  /// SELECT with the wanted columns.
  [[nodiscard]] std::string select(const std::string& where) const;
};

/// The columns of a query and their types. Null where there are faults: unsupported_type, type_mismatch,
/// unknown_column, and what the server says of the query.
std::shared_ptr<arrow::Schema> describe_query(connection& server, const std::string& from,
                                              const source_request& request, diagnostics& faults);

/// Types for decoding the wanted columns, as the server has them now.
/// Errors: schema_changed, where they are not those that the run was planned with.
result<std::vector<source_column>> columns_to_decode(connection& server, const query_table& what);

}  // namespace sluice::postgres
