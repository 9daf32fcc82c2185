#pragma once

#include "config/reading.hpp"
#include "engine/component/spec.hpp"

#include <optional>
#include <string>

namespace sluice::config {

/// Turns a value into options as its spec describes them, defaults filled in. All faults are reported; nothing comes
/// back if there are any. `what` names the value in messages: "filter", "the option path of csv".
std::optional<options> read_options(const reading& in, const node& value, const field_spec& spec,
                                    const std::string& what);

/// Fills in an object's defaults where the user wrote nothing; a required option is reported at `at`.
std::optional<options> default_options(const reading& in, const node& at, const field_spec& spec,
                                       const std::string& what);

/// "a whole number", "a list", "an SQL expression": what a spec expects, for messages.
std::string expected(const field_spec& spec);

}  // namespace sluice::config
