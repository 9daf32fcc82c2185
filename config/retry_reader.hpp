#pragma once

#include "config/reading.hpp"
#include "engine/component/retry.hpp"

namespace sluice::config {

/// Reads a `retry:` of units or of the run; what is not given stays as it is in `into`.
void read_retry(const reading& in, const node& value, retry_rule& into);

}  // namespace sluice::config
