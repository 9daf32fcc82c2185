#pragma once

#include "config/document.hpp"
#include "config/params_reader.hpp"
#include "engine/plan/pipeline.hpp"

namespace sluice::config {

/// Reads a document as a pipeline of the language. All faults are appended; units that have any are marked, so that the
/// rest can still be planned and all faults of a file be reported together. `computed` gets the names of params whose
/// default was computed.
pipeline read_pipeline(document& source, const load_options& given, diagnostics& faults,
                       std::set<std::string>* computed = nullptr);

}  // namespace sluice::config
