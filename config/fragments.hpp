#pragma once

#include "config/document.hpp"
#include "engine/error/error.hpp"

#include <functional>
#include <memory>
#include <string>

namespace sluice::config {

/// Reads the file of a fragment.
using fragment_reader = std::function<result<std::string>(const std::string& path)>;

/// Parses a pipeline with the fragments that its `include:` names. The sections of fragments are put before its own, as
/// if they were written in one file; all places name the file that they are in.
///
/// The text of what comes back is whole: below the pipeline each fragment stands behind a line `--- # file: NAME`, NAME
/// being its path from the pipeline's folder. Such a text can be parsed again, where the files are not: only what it
/// lacks is read by `read`. Not set, as on a node, which must not read files for others: that is a fault.
std::shared_ptr<document> parse_pipeline(const std::string& text, const std::string& file, const fragment_reader& read,
                                         diagnostics& faults);

}  // namespace sluice::config
