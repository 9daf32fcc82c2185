#include "engine/clients/http/private_address.hpp"

#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace sluice::http {

namespace {

struct network {
  std::uint32_t begin;
  int bits;
};

// IANA's registry of special-purpose IPv4 addresses, those that are not globally reachable, and multicast.
constexpr std::array<network, 14> special = {{
    {0x00000000, 8},   // "this network"
    {0x0a000000, 8},   // 10/8
    {0x64400000, 10},  // 100.64/10, shared by carriers
    {0x7f000000, 8},   // loopback
    {0xa9fe0000, 16},  // link-local
    {0xac100000, 12},  // 172.16/12
    {0xc0000000, 24},  // protocol assignments
    {0xc0000200, 24},  // documentation
    {0xc0a80000, 16},  // 192.168/16
    {0xc6120000, 15},  // benchmarks
    {0xc6336400, 24},  // documentation
    {0xcb007100, 24},  // documentation
    {0xe0000000, 4},   // multicast
    {0xf0000000, 4},   // reserved, broadcast
}};

bool is_private(std::uint32_t address) {
  return std::any_of(special.begin(), special.end(),
                     [&](const network& one) { return (address ^ one.begin) >> (32 - one.bits) == 0; });
}

bool is_private(const in6_addr& address) {
  const auto* bytes = address.s6_addr;
  const auto embedded = [&](int at) {
    return is_private(std::uint32_t{bytes[at]} << 24U | std::uint32_t{bytes[at + 1]} << 16U |
                      std::uint32_t{bytes[at + 2]} << 8U | bytes[at + 3]);
  };
  if (IN6_IS_ADDR_V4MAPPED(&address) || IN6_IS_ADDR_V4COMPAT(&address)) return embedded(12);
  if (bytes[0] == 0x00 && bytes[1] == 0x64 && bytes[2] == 0xff && bytes[3] == 0x9b) return embedded(12);  // NAT64
  if (bytes[0] == 0x20 && bytes[1] == 0x02) return embedded(2);                                           // 6to4
  // Only 2000::/3 is global unicast; in it, documentation and Teredo are not.
  if ((bytes[0] & 0xe0U) != 0x20) return true;
  return bytes[0] == 0x20 && bytes[1] == 0x01 && ((bytes[2] == 0x0d && bytes[3] == 0xb8) || bytes[2] < 0x02);
}

}  // namespace

bool is_private(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in four = {};
    std::memcpy(&four, &address, sizeof four);
    return is_private(ntohl(four.sin_addr.s_addr));
  }
  if (address.sa_family != AF_INET6) return true;
  sockaddr_in6 six = {};
  std::memcpy(&six, &address, sizeof six);
  return is_private(six.sin6_addr);
}

bool leads_to_private(const std::string& host) {
  auto name = host;
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  while (name.ends_with('.')) name.pop_back();
  for (const auto* local : {"localhost", "local", "internal", "lan", "home.arpa"})
    if (name == local || name.ends_with(std::string(".") + local)) return true;
  addrinfo* found = nullptr;
  addrinfo wanted = {};
  wanted.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(name.c_str(), nullptr, &wanted, &found) != 0) return false;
  bool any = false;
  for (const auto* one = found; one != nullptr; one = one->ai_next) any = any || is_private(*one->ai_addr);
  ::freeaddrinfo(found);
  return any;
}

}  // namespace sluice::http
