#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::notify {

/// A key of Standard Webhooks (https://www.standardwebhooks.com), decoded.
struct webhook_key {
  enum class scheme {
    hmac,             ///< whsec_: both sides have the same key
    ed25519_private,  ///< whsk_: signs
    ed25519_public,   ///< whpk_: checks what whsk_ has signed
  };
  scheme what = scheme::hmac;
  std::string bytes;  ///< of ed25519: 32
};

/// Reads a key to sign with: whsec_ and the base64 of 24 to 64 bytes, or whsk_ and that of an ed25519 key (32 bytes, or
/// 64 with the public key behind them). Error: invalid_option.
result<webhook_key> key_to_sign(std::string_view text);
/// Reads a key to check signatures with: whsec_, or whpk_ and the base64 of 32 bytes. Error: invalid_option.
result<webhook_key> key_to_check(std::string_view text);

/// The header webhook-signature: over "id.timestamp.body", "v1," and the base64 of HMAC-SHA256, or "v1a," and that of
/// ed25519; one for each key, divided by blanks, so that a receiver may know the old key or the new one. `seconds`
/// since 1970 UTC.
std::string signature_of(const std::vector<webhook_key>& keys, std::string_view id, std::int64_t seconds,
                         std::string_view body);

/// Whether one of the signatures of such a header was made with the key, or with the private key that belongs to it.
bool is_signed(const webhook_key& key, std::string_view signatures, std::string_view id, std::int64_t seconds,
               std::string_view body);

}  // namespace sluice::notify
