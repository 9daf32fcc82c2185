#pragma once

#include "engine/component/component.hpp"

#include <string>
#include <vector>

namespace sluice {

/// What the specs of file sinks have in common.
field_spec target_path_field(const std::string& example);
field_spec compression_field(std::vector<std::string> choices, const std::string& preset, const std::string& help);

/// Reads `path`; faults where it is missing or names a folder, and where options ask for what isn't built yet.
std::string target_path(const sink_request& request, const std::string& component, diagnostics& faults);
/// What a sink of one file writes to: `csv: out.csv` and `csv: { path: out.csv }`.
write_target stated_file(const options& own);
/// Reads a text option; `preset` where it is absent.
std::string text_option(const options& own, const char* name, const std::string& preset);
/// A fault at one option: /parquet/compression.
error option_fault(const std::string& component, const std::string& option, error what);

}  // namespace sluice
