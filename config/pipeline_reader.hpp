#pragma once

#include "config/connections.hpp"
#include "config/document.hpp"
#include "config/params_reader.hpp"
#include "engine/plan/pipeline.hpp"

namespace sluice::config {

/// Reads a document as a pipeline of the language. All faults are appended; units that have any are marked, so that the
/// rest can still be planned and all faults of a file be reported together. `known` gets its connections, `computed`
/// the names of params whose default was computed.
pipeline read_pipeline(document& source, const load_options& given, diagnostics& faults, connections& known,
                       std::set<std::string>& computed);

/// The name of the pipeline in a document, as far as that can be known: what stands there, else one made of the file's
/// name.
std::string pipeline_name(const document& source);

}  // namespace sluice::config
