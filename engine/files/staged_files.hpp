#pragma once

#include "engine/component/reads_back.hpp"
#include "engine/component/sink.hpp"

#include <string>
#include <vector>

namespace sluice {

/// Sources of hidden files that a file sink has written by the options of its request; `component` is its name, and
/// that of the source of the same format. No source for no file.
result<std::vector<staged_source>> staged_files(const std::string& component, const sink_request& request,
                                                std::vector<std::string> files);

/// The same of the file that a token of file_target names; none for tokens that name none, and for files that were
/// appended to.
result<std::vector<staged_source>> staged_file(const std::string& component, const sink_request& request,
                                               const std::string& token);

}  // namespace sluice
