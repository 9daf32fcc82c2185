#pragma once

#include "engine/store/store.hpp"

#include <string>

namespace sluice::cluster {

/// What the Store knows of runs and pipelines, in Prometheus' text format.
std::string totals_text(const store::store_totals& all);

}  // namespace sluice::cluster
