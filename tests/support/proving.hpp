#pragma once

#include "cluster/proof/proof.hpp"

#include <sys/socket.h>

#include <array>
#include <string>

namespace sluice::test {

/// `bytes` behind their length, as nodes send messages.
inline std::string with_length(const std::string& bytes) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(bytes.size() >> shift & 0xff);
  return out + bytes;
}

/// Carries a proof out over a blocking socket; whether both sides are proven.
inline bool prove(int file, cluster::proof how) {
  const auto send = [&](const std::string& message) {
    const auto bytes = with_length(message);
    return ::send(file, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  };
  if (const auto first = how.begin(); !first.empty() && !send(first)) return false;
  while (true) {
    std::array<unsigned char, 4> length{};
    if (::recv(file, length.data(), length.size(), MSG_WAITALL) != 4) return false;
    std::string message(static_cast<std::size_t>(length[2]) << 8 | length[3], '\0');
    if (::recv(file, message.data(), message.size(), MSG_WAITALL) != static_cast<ssize_t>(message.size())) return false;
    const auto next = how.take(message);
    if (!next.send.empty() && !send(next.send)) return false;
    if (next.refused) return false;
    if (next.done) return true;
  }
}

}  // namespace sluice::test
