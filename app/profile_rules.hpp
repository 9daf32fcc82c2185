#pragma once

#include "engine/component/options.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::app {

/// What `sluice profile` has found of a column.
struct column_profile {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  std::int64_t rows = 0;
  std::int64_t filled = 0;               ///< not null
  std::optional<std::int64_t> distinct;  ///< values, without null; none for lists and structs
  std::optional<std::string> least, most;
  std::int64_t patterns = 0;           ///< of texts: how many there are
  std::optional<std::string> pattern;  ///< ... and the most frequent one
  std::vector<std::string> values;     ///< all, where there are few
};

options to_options(const column_profile& of);

/// Rules of the transform validate that all rows of the file keep, by their names; none for files of fewer rows.
options suggested_rules(const std::vector<column_profile>& columns, std::int64_t fewest_rows);
/// The same as YAML below `validate:`.
std::string rules_text(const options& rules);

}  // namespace sluice::app
