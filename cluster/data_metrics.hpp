#pragma once

#include <string>

namespace sluice::cluster {

class data_links;

/// What the links carried and hold, in Prometheus' text format.
std::string metrics_of(const data_links& links);

}  // namespace sluice::cluster
