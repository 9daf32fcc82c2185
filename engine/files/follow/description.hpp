#pragma once

#include "engine/component/spec.hpp"

#include <string>

namespace sluice {

/// The option `follow`, of sources whose files can be read on while they grow (growing_records).
field_spec follow_field();
/// What the documentation of such a source says of it.
std::string follow_description();

}  // namespace sluice
