#include "cluster/address.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace sluice::cluster {

result<address> parse_address(std::string_view text, std::string_view flag) {
  const auto fault = [&] {
    return user_error(
        "invalid_address",
        std::string(flag) + " must be HOST:PORT with a port from 0 to 65535, found '" + std::string(text) + "'",
        "for example 127.0.0.1:7070");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return fault();
  unsigned port = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data() + colon + 1, end, port);
  if (problem != std::errc{} || rest != end || port > 65535) return fault();
  auto host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return address{std::string(host), static_cast<std::uint16_t>(port)};
}

status check_loopback(const address& where, std::string_view flag) {
  in_addr number{};
  const bool loopback = where.host == "localhost" || where.host == "::1" ||
                        (::inet_pton(AF_INET, where.host.c_str(), &number) == 1 && (ntohl(number.s_addr) >> 24) == 127);
  if (loopback) return {};
  return user_error(
      "tls_required",
      std::string(flag) + " " + where.to_string() + ": without certificates a node listens on loopback only",
      "create certificates with `sluice tls init` and give the node's folder with --tls, or use 127.0.0.1:" +
          std::to_string(where.port));
}

}  // namespace sluice::cluster
