#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// Joins parts to a JSON pointer (RFC 6901): pointer({"derive", "a/b"}) is "/derive/a~1b".
std::string pointer(const std::vector<std::string>& parts);
/// The parts of one; empty where the text is no pointer.
std::vector<std::string> pointer_parts(std::string_view text);

}  // namespace sluice
