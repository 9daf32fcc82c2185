#pragma once

#include "engine/component/sink.hpp"
#include "engine/expression/expression.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::history {

/// What `mode: merge` and `mode: scd2` of a table sink do, bound to the columns that arrive.
///
/// Rows are staged with columns of ours behind those that arrive: for scd2 valid_from and the surrogate key, for merge
/// `_sluice_delete`. Of staged rows with the same `staged_key` the last one counts.
struct history_rule {
  bool is_scd2 = false;
  std::vector<std::string> key;
  std::shared_ptr<arrow::Schema> arriving;
  std::shared_ptr<arrow::Schema> staged;
  std::shared_ptr<arrow::Schema> target;  ///< columns that the table needs
  std::vector<std::string> staged_key;
  std::vector<std::string> target_key;

  std::vector<std::string> tracked;  ///< scd2: a change of these opens a version
  std::vector<std::string> others;   ///< scd2: overwritten in the version that holds
  std::string surrogate;             ///< scd2: the column of the surrogate key, or empty
  expression::bound_ptr at;          ///< scd2: when a row's version begins
  bool closes_gone = false;          ///< scd2: keys that are not in the extract end
  std::string gone_at;               ///< when, as the text of a value of the type of valid_from

  std::vector<std::string> updated;    ///< merge: columns that are set where the key is there
  expression::bound_ptr delete_when;   ///< merge: null where no row deletes
  std::optional<int> only_for_delete;  ///< merge: the arriving column that says so, which is not loaded
};

/// True for the modes merge and scd2.
bool has_history(const std::string& mode);

/// Reads `merge:` or `scd2:` of a request whose mode is such. Faults have paths below the unit: /scd2/at.
std::shared_ptr<const history_rule> read_history(const sink_request& request, diagnostics& faults);

inline constexpr const char* valid_from = "valid_from";
inline constexpr const char* valid_to = "valid_to";
inline constexpr const char* is_current = "is_current";
inline constexpr const char* delete_mark = "_sluice_delete";

}  // namespace sluice::history
