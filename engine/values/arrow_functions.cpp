#include "engine/values/arrow_functions.hpp"

#include <arrow/compute/initialize.h>
#include <arrow/status.h>

namespace sluice {

status ensure_arrow_functions() {
  static const auto done = arrow::compute::Initialize();
  SLUICE_TRY_ARROW(done, "set up Arrow's functions");
  return {};
}

}  // namespace sluice
