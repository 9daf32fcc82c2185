#pragma once

#include "config/load.hpp"
#include "config/reading.hpp"

#include <arrow/type_fwd.h>

#include <map>
#include <memory>
#include <set>
#include <string>

namespace sluice::config {

/// The params of a run: typed for `$name`, as text for `${name}`.
struct param_values {
  std::map<std::string, std::shared_ptr<arrow::Scalar>> typed;  ///< of unknown type for one whose value has a fault
  std::map<std::string, std::string> text;
  std::set<std::string> without_value;  ///< declared; that they have no value is reported
  std::set<std::string> computed;       ///< from a default with SQL: another time may give another value
};

/// Reads `params:`; a value comes from `--set`, SLUICE_PARAM_NAME or the default. `section` may be null.
param_values read_params(const document& source, const node* section, const load_options& given, diagnostics& faults);

}  // namespace sluice::config
