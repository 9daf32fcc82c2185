#pragma once

#include <cstdint>
#include <string>

namespace sluice {

/// Makes a UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, the rest random from the kernel. Those made by
/// one process within a millisecond ascend too.
std::string uuid_v7();
/// 64 random bits from the kernel.
std::uint64_t random_bits();

}  // namespace sluice
