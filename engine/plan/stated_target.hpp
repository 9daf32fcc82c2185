#pragma once

#include "engine/component/target.hpp"

#include <optional>
#include <string>

namespace sluice {

/// What a sink with these options writes to; nothing where the component has not said how it tells.
std::optional<write_target> stated_target(const std::string& component, const options& own);

}  // namespace sluice
