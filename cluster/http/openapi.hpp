#pragma once

#include "engine/component/options.hpp"

namespace sluice::cluster {

/// The API as an OpenAPI 3.1 document, made from the table of routes.
options openapi_document();

}  // namespace sluice::cluster
