#pragma once

#include "config/reading.hpp"
#include "engine/plan/pipeline.hpp"
#include "engine/schedule/settings.hpp"

#include <optional>

namespace sluice::config {

/// Reads `schedule:` of a pipeline whose other sections were read; all faults are appended. None where the file has no
/// schedule, or one with faults.
std::optional<schedule::settings> read_schedule(const reading& in, const pipeline& of);

}  // namespace sluice::config
