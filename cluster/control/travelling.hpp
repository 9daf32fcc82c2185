#pragma once

#include <string>
#include <string_view>

namespace sluice::cluster {

/// True where a message of this type, as CAF names it, may come from another node. All others stay within a process:
/// they are dropped at its edge, CAF's own (exit, down, link, system messages) included.
bool may_travel(std::string_view type);

}  // namespace sluice::cluster
