#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

namespace sluice::test {

/// A port of this machine that refuses connections. It is held meanwhile, so that no other program is given it.
class closed_port {
 public:
  closed_port() : file_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    // Bound, but nobody listens.
    if (::bind(file_, reinterpret_cast<const sockaddr*>(&where), size) != 0 ||
        ::getsockname(file_, reinterpret_cast<sockaddr*>(&where), &size) != 0)
      throw std::runtime_error("no port is free");
    number_ = ntohs(where.sin_port);
  }
  ~closed_port() { ::close(file_); }
  closed_port(const closed_port&) = delete;
  closed_port& operator=(const closed_port&) = delete;

  [[nodiscard]] std::uint16_t number() const { return number_; }

 private:
  int file_;
  std::uint16_t number_ = 0;
};

}  // namespace sluice::test
