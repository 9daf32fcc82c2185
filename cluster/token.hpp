#pragma once

#include "engine/error/error.hpp"

#include <string>
#include <string_view>

namespace sluice::cluster {

/// The token of a state folder: 64 hexadecimal digits in `<state>/token` (0600), made on first use, so that other local
/// users can't submit. Everything with access to the same state folder shares it. Folders with looser rights are
/// refused.
result<std::string> ensure_token(const std::string& state_folder);
/// The token if the folder has one, else empty.
std::string read_token(const std::string& state_folder);
/// Compares in a time that depends on the lengths only.
bool same_token(std::string_view one, std::string_view other);
/// 32 random bytes as hexadecimal digits, from the kernel.
std::string random_token();

}  // namespace sluice::cluster
