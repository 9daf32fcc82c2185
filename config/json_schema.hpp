#pragma once

#include "engine/component/options.hpp"

namespace sluice::config {

/// The JSON Schema (draft 2020-12) of a pipeline's file, for editors, made from the specs of all components.
options json_schema();

}  // namespace sluice::config
