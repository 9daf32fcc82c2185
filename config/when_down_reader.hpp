#pragma once

#include "config/option_reader.hpp"
#include "engine/component/retry.hpp"
#include "engine/plan/pipeline.hpp"

namespace sluice::config {

/// Reads `when_down:` of a load unit whose component is known, into its options: block | fail | { spill: SIZE }.
/// `retry` is that of the unit; block makes it try for ever.
void read_when_down(const reading& in, const node& value, unit_definition& unit, retry_rule& retry);

}  // namespace sluice::config
