#pragma once

#include "engine/component/component.hpp"

#include <memory>
#include <string>

namespace sluice {

/// What is left of a batch once its rows with errors were dealt with.
struct settled_rows {
  bool all_kept = true;
  std::shared_ptr<arrow::Array> kept;  ///< Int32 indices of the rows that stay, ascending; null where all do
};

/// Deals with row errors as `on_error` says; `entered` are the rows as they came into the unit.
///
/// fail: rejects the row too, so that whoever reports the error can say where it came from, and gives an error that
/// names column and value. reject: sends the rows to the rejects and leaves them out of `kept`. set_null: counts the
/// values (an evaluated expression is null there already) and keeps all rows. `errors` may come in any order, with
/// several entries a row.
result<settled_rows> settle_errors(const batch& entered, row_errors errors, on_error policy, emitter& out);

/// Applies settled_rows to a batch and to a single column.
batch keep_rows(const batch& in, const settled_rows& settled);
std::shared_ptr<arrow::Array> keep_rows(const std::shared_ptr<arrow::Array>& column, const settled_rows& settled);

}  // namespace sluice
