#pragma once

#include "config/document.hpp"
#include "config/params_reader.hpp"
#include "engine/plan/pipeline.hpp"

#include <optional>

namespace sluice::config {

/// Reads a document as a pipeline of the language; all faults are appended, nothing comes back if there are any.
std::optional<pipeline> read_pipeline(document& source, const load_options& given, diagnostics& faults);

}  // namespace sluice::config
