#pragma once

#include "engine/error/error.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::cluster {

/// The first message of a data connection.
struct hello {
  std::string node;
  std::string token;
};

/// No hello is larger.
inline constexpr std::size_t max_hello_bytes = 4096;

std::string encode_hello(const hello& from);
/// Reads one; whatever else the bytes are gives an error.
result<hello> decode_hello(std::string_view bytes);

}  // namespace sluice::cluster
