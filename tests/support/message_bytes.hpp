#pragma once

#include <caf/binary_serializer.hpp>
#include <catch2/catch.hpp>

#include <vector>

namespace sluice {

/// Gives the bytes that CAF makes of a message: equal where all fields are.
template <class Message>
std::vector<char> bytes_of(caf::actor_system& system, Message message) {
  std::vector<char> bytes;
  caf::binary_serializer out(system, bytes);
  REQUIRE(out(message) == caf::none);
  return bytes;
}

}  // namespace sluice
