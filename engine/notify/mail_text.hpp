#pragma once

#include "engine/notify/subscriber.hpp"

#include <string>
#include <vector>

namespace sluice::notify {

/// A notice as an Internet message (RFC 5322) with a text and an HTML part, lines ending in CR LF, every line of at
/// most 76 characters. The same notice gives the same message, its Message-ID and date included.
std::string mail_text(const notice& what, const std::string& from, const std::vector<std::string>& to);

}  // namespace sluice::notify
