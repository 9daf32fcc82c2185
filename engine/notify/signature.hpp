#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::notify {

/// Reads a signing key as Standard Webhooks writes it: whsec_ and the base64 of 24 to 64 bytes. Error: invalid_option.
result<std::string> signing_key(std::string_view text);

/// The header webhook-signature of Standard Webhooks (https://www.standardwebhooks.com): "v1," and the base64 of
/// HMAC-SHA256 over "id.timestamp.body", one for each key, divided by blanks, so that a receiver may know the old key
/// or the new one. `seconds` since 1970 UTC.
std::string signature_of(const std::vector<std::string>& keys, std::string_view id, std::int64_t seconds,
                         std::string_view body);

}  // namespace sluice::notify
