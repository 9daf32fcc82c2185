#pragma once

#include "engine/component/options.hpp"
#include "engine/sql/mapped_text.hpp"

#include <string>
#include <utility>
#include <vector>

namespace sluice::sql {

/// A column that a query sees.
struct column {
  std::string table;      ///< by which it can be qualified; empty: by none
  std::string name;       ///< as the statement calls it
  std::string physical;   ///< as the rows call it
  bool shown = true;      ///< else it is no part of `*` and has to be qualified: a side of USING
  std::size_t place = 0;  ///< in FROM
};

/// An operation on the rows of a relation, and where the expressions in it came from.
struct operation {
  std::string name;  ///< of the transform
  options own;
  std::vector<std::pair<std::string, mapped_text>> texts = {};  ///< behind their path in the unit: "/filter"
};

/// Rows in the making: those of a unit, and what is still to be done with them.
struct relation {
  std::string unit;                   ///< as `from` names it
  std::vector<operation> operations;  ///< after it
  std::vector<column> columns;        ///< that the query sees, in the order of `select *`
  std::vector<std::string> others;    ///< further ones that the rows have

  [[nodiscard]] bool has(const std::string& physical) const {
    for (const auto& one : columns)
      if (one.physical == physical) return true;
    for (const auto& one : others)
      if (one == physical) return true;
    return false;
  }
};

}  // namespace sluice::sql
