#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"

namespace sluice::cluster {

/// The error as the HTTP API shows it: code, message, and where known hint, where, file, line, column, blame.
options error_to_json(const error& problem);
/// Reads it back; what is no error becomes invalid_answer.
error error_from_json(const options& json);
/// JSON text; bytes that are no UTF-8 are replaced.
std::string json_text(const options& value);

}  // namespace sluice::cluster
