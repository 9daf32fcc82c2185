#include "cluster/transport.hpp"

#include "actors/run/run.hpp"
#include "tests/support/patience.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <catch2/catch.hpp>

#include <cstring>
#include <mutex>
#include <set>
#include <string>
#include <vector>

using namespace sluice;
using namespace sluice::cluster;
using test::patience;

namespace {

struct node_config : caf::actor_system_config {
  node_config() {
    actors::configure(*this, 1);
    load<caf::io::middleman>();
  }
};

/// Says how long a text is. A class, because CAF's code for functions without arguments binds a null reference (UBSan).
struct measuring_actor : caf::event_based_actor {
  explicit measuring_actor(caf::actor_config& config) : caf::event_based_actor(config) {}
  caf::behavior make_behavior() override {
    return {[](const std::string& text) { return static_cast<std::uint64_t>(text.size()); }};
  }
};

/// An actor system whose measuring actor can be reached.
struct listening {
  node_config config;
  caf::actor_system system{config};
  std::mutex lock;
  std::vector<std::string> logged;
  caf::io::middleman_actor transport = spawn_transport(system, [this](const std::string& text) {
    const std::lock_guard guard(lock);
    logged.push_back(text);
  });
  caf::actor measuring = system.spawn<measuring_actor>();
  std::uint16_t port = publish(system, transport, measuring, "127.0.0.1", 0).value();

  ~listening() {
    caf::anon_send_exit(measuring, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(transport, caf::exit_reason::user_shutdown);
  }
};

/// Sends bytes to a port and gives what comes back until the other side closes.
std::string answer_to(std::uint16_t port, const std::string& bytes) {
  using boost::asio::ip::tcp;
  boost::asio::io_context network;
  tcp::socket socket(network);
  socket.connect({boost::asio::ip::make_address("127.0.0.1"), port});
  boost::system::error_code ignored;
  boost::asio::write(socket, boost::asio::buffer(bytes), ignored);
  std::string got;
  boost::asio::read(socket, boost::asio::dynamic_buffer(got), ignored);
  return got;
}

/// A header of CAF's protocol (basp/header.hpp): numbers with their highest byte first.
std::string header(std::uint8_t operation, std::uint32_t payload) {
  std::string bytes(32, '\0');
  bytes[0] = static_cast<char>(operation);
  for (int i = 0; i < 4; ++i) bytes[static_cast<std::size_t>(4 + i)] = static_cast<char>(payload >> (24 - 8 * i));
  for (const std::size_t number : {8, 16, 24}) bytes[number + 7] = 1;
  return bytes;
}

}  // namespace

TEST_CASE("long control messages pass between nodes that have shaken hands") {
  listening there;
  node_config config;
  caf::actor_system here(config);
  const auto dialling = spawn_transport(here, [](const std::string&) {});
  caf::scoped_actor self(here);
  caf::actor remote;
  self->request(dialling, patience, caf::connect_atom::value, std::string("127.0.0.1"), there.port)
      .receive([&](const caf::node_id&, const caf::strong_actor_ptr& found,
                   const std::set<std::string>&) { remote = caf::actor_cast<caf::actor>(found); },
               [](const caf::error&) {});
  REQUIRE(remote);
  for (const std::size_t size : {std::size_t{1}, most_handshake_bytes, most_handshake_bytes * 200}) {
    std::uint64_t measured = 0;
    self->request(remote, patience, std::string(size, 'x'))
        .receive([&](std::uint64_t answer) { measured = answer; }, [](const caf::error&) {});
    CHECK(measured == size);
  }
  caf::anon_send_exit(dialling, caf::exit_reason::user_shutdown);
  CHECK(there.logged.empty());
}

TEST_CASE("a stranger's first message is refused by the length that it claims, and the port goes on") {
  listening there;
  constexpr std::uint8_t server_handshake = 0;
  for (int round = 0; round < 3; ++round) {
    (void)answer_to(there.port, header(server_handshake, static_cast<std::uint32_t>(most_handshake_bytes) + 1));
    const std::lock_guard guard(there.lock);
    REQUIRE(there.logged.size() == static_cast<std::size_t>(round) + 1);
    CHECK(there.logged.back().find("claims to have 65537 bytes, where 65536 are allowed") != std::string::npos);
  }
}

TEST_CASE("a port in use is said") {
  listening there;
  const auto again = publish(there.system, there.transport, there.measuring, "127.0.0.1", there.port);
  REQUIRE_FALSE(again.ok());
  CHECK(again.problem().code == "port_in_use");
}
