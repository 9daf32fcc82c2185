#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::cluster {

/// A TCP endpoint, as `--listen`, `--http`, `--join` and `--to` take it.
struct address {
  std::string host;
  std::uint16_t port = 0;  ///< 0: any free port (listening only)

  [[nodiscard]] std::string to_string() const { return host + ":" + std::to_string(port); }
  friend bool operator==(const address&, const address&) = default;
};

/// Parses "127.0.0.1:7070" or "localhost:7070". `flag` names the option in the error ("--listen").
result<address> parse_address(std::string_view text, std::string_view flag);
/// Refuses what is not loopback: without certificates nodes listen nowhere else (tls_required).
status check_loopback(const address& where, std::string_view flag);

}  // namespace sluice::cluster
