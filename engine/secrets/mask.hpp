#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"

#include <string>
#include <string_view>

namespace sluice::secrets {

/// THE filter. Whatever text leaves the process passes it: what the Store keeps, events, logs, answers of the API, the
/// terminal, messages to other nodes, hidden names of files. Data do not: a row is loaded as it is.
///
/// It puts ${secret:NAME} in the place of each secret that this process has looked up and that has 6 bytes or more:
/// also where it is percent-encoded, escaped as in JSON, or has its quotes doubled. Other encodings (base64, hashes)
/// are not found. Without secrets it costs one load.
[[nodiscard]] std::string mask(std::string text);

/// Masks all texts of a value, the keys of maps included.
void mask(options& value);
/// Masks all texts of an error.
void mask(error& problem);
void mask(diagnostics& faults);

template <class Masked>
[[nodiscard]] Masked masked(Masked value) {
  mask(value);
  return value;
}

}  // namespace sluice::secrets
