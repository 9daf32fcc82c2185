#pragma once

#include "engine/component/options.hpp"

#include <string>
#include <vector>

namespace sluice::lineage {

/// How a value comes from a column, from little to much change.
enum class change { none, transformed, aggregated };

/// A column of a source of which something is made.
struct origin {
  int source = 0;  ///< index of the unit in plan::units
  std::string column = {};
  change how = change::none;
  bool masked = false;  ///< the value itself can't be seen any more
};

/// A column of a source that decides which rows there are, or in what order.
struct influence {
  int source = 0;
  std::string column = {};
  std::string how = {};  ///< FILTER, JOIN, GROUP_BY, SORT, WINDOW, as OpenLineage calls them

  friend bool operator==(const influence&, const influence&) = default;
};

struct traced_column {
  std::string name = {};
  std::vector<origin> from = {};
};

/// The columns that a unit gives, and where they come from.
struct traced_rows {
  std::vector<traced_column> columns = {};
  std::vector<influence> rows = {};
};

struct traced_input {
  std::string unit = {};  ///< by which expressions may qualify its columns
  traced_rows rows = {};
};

/// Traces one operation. `own`: its options, checked and with defaults. What it gives under names that it does not
/// mention counts as passed on; of operations that are not known, all of their output comes from all of their input.
traced_rows trace(const std::string& operation, const options& own, const std::vector<traced_input>& inputs);

}  // namespace sluice::lineage
