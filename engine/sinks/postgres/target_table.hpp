#pragma once

#include "engine/clients/postgres/connection.hpp"
#include "engine/clients/postgres/names.hpp"
#include "engine/clients/postgres/row_encoder.hpp"
#include "engine/sinks/history/history_rule.hpp"
#include "engine/sinks/table_rules.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::postgres {

/// What the sink was asked to load into.
struct load_request {
  table_name name;
  std::shared_ptr<arrow::Schema> schema;
  std::string mode;              ///< error, append, replace, upsert
  bool behind_replace = false;   ///< append: the table has rows that an epoch before removes, once it is committed
  std::vector<std::string> key;  ///< for upsert
  create_rule create = create_rule::if_missing;
  std::vector<std::string> before;  ///< statements of the transaction that commits
  std::vector<std::string> after;
  std::string sink;  ///< pipeline.unit
  std::string run;
  /// Of the modes merge and scd2, else null: schema and key are then those of the staged rows.
  std::shared_ptr<const history::history_rule> history = nullptr;
};

/// The request by whose columns and key a table of the modes merge and scd2 is looked up; else the request itself.
load_request request_of_target(load_request request);

/// A rule of the table over several rows, as far as it concerns columns of ours only.
struct unique_rule {
  std::string name;
  std::vector<std::string> columns;
  bool is_key = false;  ///< of upsert: rows that repeat it replace each other
};
struct foreign_rule {
  std::string name;
  std::vector<std::string> columns;
  std::string table;  ///< quoted
  std::vector<std::string> referenced;
};

/// The table that rows go to, as it is; where it is not there, as it will be made.
struct target_table {
  table_name name;  ///< with its schema
  bool exists = false;
  std::vector<target_column> columns;  ///< ours, in the order of the schema
  std::vector<std::string> key;        ///< names in the table
  std::vector<unique_rule> unique;
  std::vector<foreign_rule> foreign;
  std::vector<std::string> checks;  ///< "CONSTRAINT x CHECK (...)" over columns of ours
  std::vector<std::string> others;  ///< columns of the table that are not ours
  std::vector<std::string> added;   ///< ADD COLUMN clauses that `create: evolve` will run
  bool overrides_identity = false;  ///< one of ours is GENERATED ALWAYS AS IDENTITY
  bool can_select = false;          ///< the user may read the table
  bool can_truncate = false;        ///< no other table refers to it, and the user may

  [[nodiscard]] std::vector<std::string> column_names() const;
};

/// Looks the table up and checks that rows of the schema fit and that the user may load them.
/// Errors: unknown_table, unknown_column, missing_column, type_mismatch, no_unique_key, is_a_view, permission_denied.
result<target_table> find_table(connection& server, const load_request& request);

/// The columns of a table that is made for the request: "id" bigint NOT NULL, ...
std::string column_definitions(const target_table& table);

error exists_error(const table_name& table, const std::string& where);

}  // namespace sluice::postgres
