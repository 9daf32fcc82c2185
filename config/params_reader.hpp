#pragma once

#include "config/load.hpp"
#include "config/reading.hpp"

#include <arrow/type_fwd.h>

#include <map>
#include <memory>
#include <string>

namespace sluice::config {

/// The params of a run: typed for `$name`, as text for `${name}`.
struct param_values {
  std::map<std::string, std::shared_ptr<arrow::Scalar>> typed;
  std::map<std::string, std::string> text;  ///< also of those that have a fault, so that it is reported once
};

/// Reads `params:`; a value comes from `--set`, SLUICE_PARAM_NAME or the default. `section` may be null.
param_values read_params(const document& source, const node* section, const load_options& given, diagnostics& faults);

}  // namespace sluice::config
