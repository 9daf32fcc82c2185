#pragma once

#include "app/verbs.hpp"

namespace sluice::app {

/// Prints the description of the HTTP API.
command openapi_verb();

}  // namespace sluice::app
