#pragma once

#include "engine/error/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Something that users know or expect and that this version does not have. Each has a section in docs/not-yet.md.
struct missing_feature {
  std::string_view key;     ///< its section there
  std::string_view names;   ///< components, keys and verbs that belong to it, divided by blanks
  std::string_view detour;  ///< what works today instead
};

/// All of them, in the order of the page.
const std::vector<missing_feature>& missing_features();
/// The one with this key or name, or null.
const missing_feature* find_missing(std::string_view name);

/// "not available in 0.1.0; until then: DETOUR (docs/not-yet.md#KEY)"; `name` is a key or a name. With a detour of its
/// own where one is given.
std::string not_yet_hint(std::string_view name, std::string_view detour = {});

/// The error not_supported_yet: "WHAT is not supported yet", with the hint.
error not_supported_yet(std::string_view what, std::string_view name, std::string_view detour = {});

}  // namespace sluice
