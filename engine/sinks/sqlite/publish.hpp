#pragma once

#include "engine/clients/sqlite/connection.hpp"
#include "engine/sinks/history/history_rule.hpp"
#include "engine/sinks/table_rules.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::sqlite {

/// The table that one unit of a run loads into.
struct loaded_table {
  std::string path;  ///< of the database
  std::string name;
  std::string sink;  ///< pipeline and unit: names the loader in _sluice_commits
  std::string run;
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::string> key;
  /// Of the modes merge and scd2, else null: schema and key are then those of the staged rows.
  std::shared_ptr<const history::history_rule> history = nullptr;
  create_rule create = create_rule::if_missing;
  std::vector<std::string> before = {};  ///< statements of the transaction that commits
  std::vector<std::string> after = {};
};

/// Checks that a table fits the modes merge and scd2, where it is there.
status check_history_table(connection& target, const loaded_table& into);

/// Rows of one epoch in a database of their own, and what is to become of them: what the sink's token says.
struct staged_epoch {
  std::string path;
  std::string mode;
  std::uint64_t epoch = 0;
  std::uint32_t attempt = 0;
  std::uint64_t rows = 0;
};
std::string token_of(const staged_epoch& of);
result<staged_epoch> read_token(const std::string& token);

/// Whether an epoch of the run has been committed to the database.
result<bool> has_notes(connection& target, const loaded_table& into);

/// Moves an epoch's rows into the table by one transaction, which notes run and epoch in `_sluice_commits`; doing it
/// again changes nothing. Errors: prepared_lost, target_exists, rows_lost.
status publish(const loaded_table& into, const staged_epoch& epoch, interruption& stop);

/// The error of `create: never` where the table is not there.
error lacks_table(const loaded_table& table);
/// The error of mode `error` where the table is there.
error exists_error(const loaded_table& table);
/// Removes a staging database.
void remove_staged(const std::string& path) noexcept;

}  // namespace sluice::sqlite
