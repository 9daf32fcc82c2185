#pragma once

#include "app/preview_rows.hpp"
#include "app/tests/pipeline_tests.hpp"

#include <string>
#include <vector>

namespace sluice::app {

/// What a unit made, beside what a test expects of it.
struct compared_rows {
  bool equal = false;
  std::string problem;               ///< where they can't be compared: an unknown column
  std::vector<std::string> columns;  ///< that are compared
  struct line {
    char sign = ' ';  ///< - expected and missing, + found and not expected
    std::vector<std::string> values;
    std::vector<bool> differs;  ///< where a row that is much like it stands beside it
  };
  std::vector<line> lines;
  std::size_t expected = 0, found = 0;  ///< rows
};

/// Compares the columns that the expected rows name. In order, or as a bag of rows.
compared_rows compare_rows(const config::node& expected, const kept_rows& found, bool in_order);

/// All rows as CSV: what golden files hold.
std::string rows_as_csv(const kept_rows& rows);

}  // namespace sluice::app
