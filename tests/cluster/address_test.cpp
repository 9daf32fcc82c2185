#include "cluster/address.hpp"

#include <catch2/catch.hpp>

using namespace sluice::cluster;

TEST_CASE("addresses are host and port") {
  CHECK(parse_address("127.0.0.1:7070", "--listen").value() == address{"127.0.0.1", 7070});
  CHECK(parse_address("localhost:0", "--http").value() == address{"localhost", 0});
  CHECK(parse_address("[::1]:7070", "--to").value() == address{"::1", 7070});
  for (const auto* wrong : {"", "7070", ":7070", "host:", "host:port", "host:65536", "host:-1", "host:70 "}) {
    const auto parsed = parse_address(wrong, "--listen");
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.problem().code == "invalid_address");
    CHECK(parsed.problem().message.find("--listen") == 0);
  }
}

TEST_CASE("only loopback addresses are listened on") {
  CHECK(check_loopback({"127.0.0.1", 1}, "--listen").ok());
  CHECK(check_loopback({"localhost", 1}, "--listen").ok());
  for (const auto* host :
       {"0.0.0.0", "10.0.0.1", "example.org", "::", "128.0.0.1", "127.evil.org", "127.0.0.1.evil.org"}) {
    const auto checked = check_loopback({host, 1}, "--listen");
    REQUIRE_FALSE(checked.ok());
    CHECK(checked.problem().code == "tls_required");
  }
}
