#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::lineage {

/// A name in an expression that is a column: `orders.amount` has the unit orders, `amount` none.
struct named_column {
  std::string unit = {};
  std::string name = {};

  friend bool operator==(const named_column&, const named_column&) = default;
};

/// The columns that an expression reads, found in its parsed tree: those in conditions of FILTER and CASE, in windows
/// and in orders are among them, and each is named once. Of `a.b` both meanings are given, the column a and b of the
/// unit a: the caller knows the columns. A text that can't be parsed reads nothing.
struct read_columns {
  std::vector<named_column> names = {};
  bool plain = false;  ///< it is nothing but one column
};
read_columns columns_read(std::string_view expression);
/// The same of a key to sort by: `net / 2 desc nulls last`.
read_columns columns_of_key(std::string_view key);

}  // namespace sluice::lineage
