#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Makes a UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, the rest random from the kernel. Those made by
/// one process within a millisecond ascend too.
std::string uuid_v7();
/// Makes a UUID of version 8 (RFC 9562) of a SHA-256 of `name`: the same name gives the same id, anywhere.
std::string uuid_v8(std::string_view name);
/// 64 random bits from the kernel.
std::uint64_t random_bits();

}  // namespace sluice
