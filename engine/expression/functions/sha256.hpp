#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace sluice::expression {

using sha256_digest = std::array<unsigned char, 32>;

/// True where this processor has instructions for SHA-256.
bool has_sha_instructions();

/// The SHA-256 of some bytes by these instructions. For short texts most of OpenSSL's time goes into beginning and
/// ending a digest: here it costs nothing.
void sha256_by_instructions(std::string_view text, sha256_digest& out);

}  // namespace sluice::expression
