#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::typed {

/// A column of typed text as the pipeline wants it.
struct column_plan {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  bool inferred = true;              ///< the type was guessed from a sample
  std::vector<std::string> formats;  ///< of dates and times; empty: ISO 8601
  char decimal = '.';
  char thousands = '\0';

  /// Whether texts write values as they do where nothing is said.
  [[nodiscard]] bool is_plain() const { return formats.empty() && decimal == '.' && thousands == '\0'; }
};

}  // namespace sluice::typed
