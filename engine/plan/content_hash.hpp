#pragma once

#include "engine/error/error.hpp"
#include "engine/files/files.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

inline constexpr std::size_t hash_digits = 32;

/// Hashes the bytes of a file from its begin to each of `ends`, which ascend: XXH3-128 as `hash_digits` hexadecimal
/// digits. Reads the file once. Error: source_changed where it is shorter.
result<std::vector<std::string>> hash_up_to(const input_file& file, const std::vector<std::int64_t>& ends);

}  // namespace sluice
