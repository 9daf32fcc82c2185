#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::lineage {

/// A name in an expression that may be a column: `orders.amount` has the unit orders, `amount` none.
struct named_column {
  std::string unit = {};
  std::string name = {};

  friend bool operator==(const named_column&, const named_column&) = default;
};

/// The names in an SQL expression that may be columns, in order and as they are written: all words but those in texts,
/// params ($day), functions (before a parenthesis), types (behind ::) and fields (behind a dot that is not the first).
/// Words that are no column (keywords) are among them: the caller knows the columns.
std::vector<named_column> named_columns(std::string_view expression);

}  // namespace sluice::lineage
