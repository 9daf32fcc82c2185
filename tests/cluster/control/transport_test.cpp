#include "cluster/control/transport.hpp"

#include "actors/run/run.hpp"
#include "cluster/node_messages.hpp"
#include "tests/support/patience.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <mutex>
#include <string>
#include <vector>

using namespace sluice;
using namespace sluice::cluster;
using test::patience;

namespace {

const std::string secret = "0123456789abcdef0123456789abcdef";

struct node_config : caf::actor_system_config {
  node_config() {
    actors::configure(*this, 1);
    add_message_types<caf::id_block::sluice_cluster>();
    load<caf::io::middleman>();
    set("middleman.enable-automatic-connections", false);
  }
};

/// Counts the bytes of the names that it is told, and what it is told besides.
struct listening_actor : caf::event_based_actor {
  listening_actor(caf::actor_config& config, std::atomic<std::size_t>& bytes)
      : caf::event_based_actor(config), bytes_(bytes) {}
  caf::behavior make_behavior() override {
    return {[this](const part_wired& message) { bytes_ += message.node.size(); }, [this](stop_node) { quit(); }};
  }
  std::atomic<std::size_t>& bytes_;
};

/// A node as far as its control connections go.
struct control_node {
  std::mutex lock;
  std::vector<std::string> logged;
  std::atomic<std::size_t> bytes = 0;
  std::atomic<bool> lives = true;
  std::unique_ptr<transport> links;
  node_config config;
  std::unique_ptr<caf::actor_system> system = std::make_unique<caf::actor_system>(config);
  caf::actor protocol = protocol_of(*system);
  caf::actor listener = system->spawn<listening_actor>(bytes);

  explicit control_node(const std::string& name, const std::string& token = secret) {
    links = transport::listen({"127.0.0.1", 0}, [this](const std::string& text) {
              const std::lock_guard guard(lock);
              logged.push_back(text);
            }).value();
    listener->attach_functor([this] { lives = false; });
    links->open(*system, listener, {.port = port_kind::control, .name = name, .token = token, .session = {}});
  }
  ~control_node() {
    caf::anon_send(listener, stop_node{});
    listener = nullptr;
    links->close();
    protocol = nullptr;
    system.reset();
  }
  control_node(const control_node&) = delete;
  control_node& operator=(const control_node&) = delete;

  bool has_logged(const std::string& part) {
    const std::lock_guard guard(lock);
    for (const auto& line : logged)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }
  /// The actor that the other node publishes.
  result<caf::actor> dial(const control_node& other, const std::string& expected = {}) {
    std::promise<result<std::shared_ptr<owned_descriptor>>> told;
    auto came = told.get_future();
    links->dial(other.links->where(), expected, [&](auto how) { told.set_value(std::move(how)); });
    REQUIRE(came.wait_for(patience) == std::future_status::ready);
    SLUICE_ASSIGN(const auto end, came.get());
    caf::scoped_actor self(*system);
    result<caf::actor> found = external_error("join_failed", "no answer");
    self->request(protocol, patience, caf::connect_atom::value, scribe_of(*system, *end), std::uint16_t{0})
        .receive([&](const caf::node_id&, const caf::strong_actor_ptr& actor,
                     const std::set<std::string>&) { found = caf::actor_cast<caf::actor>(actor); },
                 [&](const caf::error& why) { found = external_error("join_failed", system->render(why)); });
    return found;
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
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  std::string got;
  boost::asio::read(socket, boost::asio::dynamic_buffer(got), ignored);
  return got;
}

}  // namespace

TEST_CASE("proven nodes reach each other's actors, with long messages too") {
  control_node there("n1"), here("n2");
  const auto remote = here.dial(there, "n1");
  INFO((remote.ok() ? std::string() : remote.problem().to_string()));
  REQUIRE(remote.ok());
  std::size_t sent = 0;
  for (const std::size_t size : {std::size_t{1}, std::size_t{64 * 1024}, std::size_t{13 * 1024 * 1024}}) {
    caf::anon_send(*remote, part_wired{"run", std::string(size, 'x')});
    sent += size;
  }
  CHECK(test::eventually([&] { return there.bytes == sent; }));
  CHECK(there.logged.empty());
  CHECK(here.logged.empty());
}

TEST_CASE("a proven node can't end another's actors, nor send what stays within a node") {
  control_node there("n1"), here("n2");
  const auto remote = here.dial(there).value();
  caf::anon_send_exit(remote, caf::exit_reason::kill);
  caf::anon_send(remote, actors::shut_down{});
  caf::anon_send(remote, std::string("text"));
  const auto linked = here.system->spawn([remote](caf::event_based_actor* self) -> caf::behavior {
    self->link_to(remote);
    return {[](int) {}};
  });
  caf::anon_send_exit(linked, caf::exit_reason::kill);
  caf::anon_send(remote, part_wired{"run", "after"});
  CHECK(test::eventually([&] { return there.bytes == 5; }));
  CHECK(there.lives);
  // They don't even leave the node that was asked to send them.
  CHECK(here.has_logged("kept back a message that is only allowed within a node"));
}

TEST_CASE("a connection that ends takes the proxies along") {
  control_node there("n1");
  auto here = std::make_unique<control_node>("n2");
  std::promise<void> gone;
  {
    caf::actor theirs = there.dial(*here).value();
    theirs->attach_functor([&] { gone.set_value(); });
    here.reset();
    CHECK(gone.get_future().wait_for(patience) == std::future_status::ready);
  }
}

TEST_CASE("another token or another name than expected is said to who dials, and logged by who listens") {
  control_node there("n1"), other("n2", std::string(32, 'x')), here("n3");
  const auto refused = other.dial(there);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.problem().message == "the token of the other node is different");
  CHECK(test::eventually([&] { return there.has_logged("refused a control connection from 127.0.0.1"); }));
  CHECK(there.has_logged("its token is not the token of this node"));
  CHECK_FALSE(here.dial(there, "n7").ok());
  CHECK(here.dial(there, "n1").ok());
}

TEST_CASE("nothing of CAF's protocol is read before the proof, and the port goes on") {
  control_node there("n1");
  std::string crash(32, '\0');
  crash[0] = 1;
  std::string header(32, '\0');
  header[4] = '\x10';  // claims 256 MiB
  header[15] = 3;
  for (const auto& bytes :
       {crash, header, std::string(32, '\0'), std::string(4, '\xff'), std::string("\0\0\0\x03xyz", 7)})
    CHECK(answer_to(there.links->where().port, bytes).empty());
  CHECK(test::eventually([&] { return there.has_logged("does not speak the protocol between nodes"); }));
  control_node here("n2");
  CHECK(here.dial(there).ok());
}

TEST_CASE("a stranger that listens in a node's place gets nothing but a hello") {
  using boost::asio::ip::tcp;
  boost::asio::io_context network;
  tcp::acceptor stranger(network, {boost::asio::ip::make_address("127.0.0.1"), 0});
  control_node here("n2");
  for (const std::string& answer :
       {std::string(32, '\0'), std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string()}) {
    auto heard = std::async(std::launch::async, [&] {
      auto socket = stranger.accept();
      boost::system::error_code ignored;
      boost::asio::write(socket, boost::asio::buffer(answer), ignored);
      socket.shutdown(tcp::socket::shutdown_send, ignored);
      std::string got;
      boost::asio::read(socket, boost::asio::dynamic_buffer(got), ignored);
      return got;
    });
    std::promise<result<std::shared_ptr<owned_descriptor>>> told;
    here.links->dial({"127.0.0.1", stranger.local_endpoint().port()}, "n1",
                     [&](auto how) { told.set_value(std::move(how)); });
    auto came = told.get_future();
    REQUIRE(came.wait_for(patience) == std::future_status::ready);
    CHECK_FALSE(came.get().ok());
    CHECK(heard.get().size() < max_proof_bytes + 4);
  }
}

TEST_CASE("a port in use is said") {
  control_node there("n1");
  const auto again = transport::listen(there.links->where(), [](const std::string&) {});
  REQUIRE_FALSE(again.ok());
  CHECK(again.problem().code == "port_in_use");
}
