#include "cluster/data_links.hpp"

#include "tests/support/closed_port.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/proving.hpp"

#include <arrow/api.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

using namespace sluice;
using namespace sluice::cluster;
using test::patience;
using test::with_length;
using namespace std::chrono_literals;

namespace {

batch rows_of(std::int64_t first, std::int64_t count) {
  arrow::Int64Builder ids;
  for (std::int64_t i = 0; i < count; ++i) (void)ids.Append(first + i);
  return {.data = arrow::RecordBatch::Make(arrow::schema({arrow::field("id", arrow::int64())}), count,
                                           {ids.Finish().ValueOrDie()}),
          .positions = nullptr,
          .order = {}};
}

/// A node's links, with what they tell.
struct node_links {
  std::mutex lock;
  std::condition_variable changed;
  std::vector<std::string> logged;
  std::vector<std::pair<std::string, error>> failed;
  std::vector<wire::payload> arrived;
  std::map<data_route, std::int64_t> kept, come;  ///< rows that wait to be worked off; that came in all
  std::unique_ptr<data_links> links;

  explicit node_links(const std::string& name, const std::string& session = "session",
                      const std::string& token = "secret", const data_settings& settings = {}) {
    links = data_links::start(name, token,
                              {.failed =
                                   [this](const std::string& run, const error& why) {
                                     add(failed, {run, why});
                                   },
                               .log = [this](const std::string& text) { add(logged, text); }},
                              "127.0.0.1", nullptr, settings)
                .value();
    links->set_session(session);
  }
  template <class List, class Item = typename List::value_type>
  void add(List& to, Item item) {
    const std::lock_guard guard(lock);
    to.push_back(std::move(item));
    changed.notify_all();
  }
  template <class Test>
  bool wait(Test test) {
    std::unique_lock guard(lock);
    return changed.wait_for(guard, patience, test);
  }
  /// What comes is worked off at once.
  void receive(const std::string& peer, const data_route& route) {
    links->receive(peer, route, 1, [this, route](wire::payload body) {
      const auto* const rows = std::get_if<batch>(&body);
      const auto count = rows != nullptr ? rows->rows() : 0;
      add(arrived, std::move(body));
      links->worked_off(route, count);
    });
  }
  /// What comes is kept until the test works it off.
  void keep(const std::string& peer, const data_route& route) {
    links->receive(peer, route, 1, [this, route](wire::payload body) {
      if (const auto* const rows = std::get_if<batch>(&body)) {
        const std::lock_guard guard(lock);
        kept[route] += rows->rows();
        come[route] += rows->rows();
      }
      changed.notify_all();
    });
  }
  void work_off_all() {
    std::map<data_route, std::int64_t> now;
    {
      const std::lock_guard guard(lock);
      now.swap(kept);
    }
    for (const auto& [route, rows] : now) links->worked_off(route, rows);
  }
  [[nodiscard]] address where() const { return {"127.0.0.1", links->port()}; }
};

proof_settings as(const std::string& node, const std::string& session = "session",
                  const std::string& token = "secret") {
  return {.port = port_kind::data, .name = node, .token = token, .session = session};
}

/// A plain client that proves itself where it is told how, says `bytes`, and waits for the end.
bool closed_after(std::uint16_t port, const std::string& bytes, const std::optional<proof_settings>& how = {}) {
  const int file = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(file, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
  const timeval limit{patience.count(), 0};
  ::setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (how) (void)test::prove(file, proof::dialling(*how, {}));
  (void)::send(file, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  ::shutdown(file, SHUT_WR);
  char answer = 0;
  const auto got = ::recv(file, &answer, 1, 0);
  const bool timed_out = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  ::close(file);
  return got <= 0 && !timed_out;
}

const data_route route{.run = "run-1", .edge = 3, .from = 0, .to = 1};

}  // namespace

TEST_CASE("batches and markers cross a link in order") {
  node_links a("a"), b("b");
  a.links->add_peer("b", b.where());
  b.receive("a", route);
  for (int i = 0; i < 100; ++i) a.links->send("b", {route, 1, rows_of(i * 1000, 1000)});
  a.links->send("b", {route, 1, wire::end_of_data{100000}});
  REQUIRE(b.wait([&] { return b.arrived.size() == 101; }));
  for (int i = 0; i < 100; ++i)
    REQUIRE(std::get<batch>(b.arrived[static_cast<std::size_t>(i)]).data->Equals(*rows_of(i * 1000, 1000).data));
  CHECK(std::get<wire::end_of_data>(b.arrived[100]).rows == 100000);
  CHECK(a.failed.empty());
}

namespace {

/// A node that proves itself and then reads nothing, as one that is stopped.
struct stuck_node {
  int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  int taken = -1;
  std::uint16_t port = 0;

  stuck_node() {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    REQUIRE(::listen(listener, 1) == 0);
    REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&where), &size) == 0);
    port = ntohs(where.sin_port);
  }
  ~stuck_node() {
    ::close(taken);
    ::close(listener);
  }
  stuck_node(const stuck_node&) = delete;
  stuck_node& operator=(const stuck_node&) = delete;

  void prove(const std::string& name) {
    taken = ::accept(listener, nullptr, nullptr);
    REQUIRE(test::prove(taken, proof::accepting(as(name))));
  }
};

data_route numbered(std::uint32_t channel) { return {.run = "run-1", .edge = 0, .from = channel, .to = 0}; }

}  // namespace

TEST_CASE("a peer that takes nothing fills only its own bounded buffer, and the others get all of theirs") {
  node_links a("a"), b("b");
  stuck_node stuck;
  a.links->add_peer("stuck", {"127.0.0.1", stuck.port});
  a.links->add_peer("b", b.where());
  b.receive("a", route);
  const auto rows = rows_of(0, 128 * 1024);  // 1 MiB
  // One for each of many channels: its window lets nothing more go.
  for (std::uint32_t i = 0; i < 100; ++i) a.links->send("stuck", {numbered(i), 1, rows});
  stuck.prove("stuck");
  CHECK(test::eventually([&] { return a.links->most_queued_bytes() > 0 && a.links->waiting() < 100; }));
  for (int i = 0; i < 100; ++i) a.links->send("b", {route, 1, rows_of(i, 1000)});
  REQUIRE(b.wait([&] { return b.arrived.size() == 100; }));
  CHECK(a.links->most_queued_bytes() <= enough_encoded_bytes + rows.bytes() + 4096);
  CHECK(a.links->waiting() > 50);
  a.links->forget("run-1");
  CHECK(test::eventually([&] { return a.links->waiting() == 0; }));
}

TEST_CASE("the rows of 64 channels from four nodes stay within the memory of the node that receives them") {
  constexpr std::int64_t budget = 8 * 1024 * 1024;
  constexpr std::int64_t rows_each = 256 * 1024;  // 2 MiB: 128 MiB in all
  node_links b("b", "session", "secret", {.receive_bytes = budget});
  std::vector<std::unique_ptr<node_links>> senders;
  for (std::uint32_t node = 0; node < 4; ++node) {
    const auto name = "a" + std::to_string(node);
    auto& one = *senders.emplace_back(std::make_unique<node_links>(name));
    one.links->add_peer("b", b.where());
    for (std::uint32_t i = 0; i < 16; ++i) {
      const auto channel = numbered(node * 16 + i);
      b.keep(name, channel);
      one.links->send("b", {channel, 1, rows_of(0, rows_each), false});
    }
  }
  // Nothing is worked off, and yet something of every channel comes: none has to wait for another one.
  REQUIRE(b.wait([&] { return b.come.size() == 64; }));
  CHECK(b.links->most_held_bytes() <= budget);
  const auto all_there = [&] {
    b.work_off_all();
    const std::lock_guard guard(b.lock);
    return std::all_of(b.come.begin(), b.come.end(), [&](const auto& one) { return one.second == rows_each; });
  };
  CHECK(test::eventually(all_there));
  CHECK(b.links->most_held_bytes() <= budget);
  b.work_off_all();
  CHECK(b.links->held_bytes() == 0);
}

TEST_CASE("small batches of a channel without order travel together, and what is ordered keeps its batches") {
  node_links a("a"), b("b");
  a.links->add_peer("b", b.where());
  const data_route ordered{.run = "run-1", .edge = 4, .from = 0, .to = 0};
  b.keep("a", route);
  b.receive("a", ordered);
  // They wait behind the first, which fills the window of the channel.
  a.links->send("b", {route, 1, rows_of(0, 8192), false});
  for (int i = 0; i < 1000; ++i) a.links->send("b", {route, 1, rows_of(i * 10, 10), false});
  for (int i = 0; i < 10; ++i) a.links->send("b", {ordered, 1, rows_of(i * 10, 10), true});
  REQUIRE(b.wait([&] { return b.arrived.size() == 10 && b.come[route] == 8192; }));
  const auto frames_before = a.links->traffic().frames;
  CHECK(test::eventually([&] {
    b.work_off_all();
    const std::lock_guard guard(b.lock);
    return b.come[route] == 8192 + 10'000;
  }));
  CHECK(a.links->traffic().frames - frames_before < 10);
}

TEST_CASE("rows travel compressed where a node is told so, and say how much it saved") {
  for (const auto how : {wire::compression::lz4, wire::compression::zstd}) {
    node_links a("a", "session", "secret", {.compression = how}), b("b");
    a.links->add_peer("b", b.where());
    b.receive("a", route);
    a.links->send("b", {route, 1, rows_of(0, 100'000), false});
    REQUIRE(b.wait([&] {
      std::int64_t sum = 0;
      for (const auto& one : b.arrived) sum += std::get<batch>(one).rows();
      return sum == 100'000;
    }));
    std::int64_t next = 0;
    for (const auto& one : b.arrived) {
      const auto& rows = std::get<batch>(one);
      CHECK(rows.data->Equals(*rows_of(next, rows.rows()).data));
      next += rows.rows();
    }
    CHECK(a.links->traffic().plain >= 800'000);
    CHECK(a.links->traffic().packed < a.links->traffic().plain * 3 / 4);
  }
}

TEST_CASE("foreign clients are refused, logged, and the links go on") {
  node_links a("a"), b("b");
  const std::vector<std::string> strangers = {
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      std::string(4, '\xff'),
      with_length("hello"),
      with_length(std::string(max_proof_bytes, '\x80')),
      with_length(std::string(4096, '\x80')),
      std::string(),
  };
  for (const auto& bytes : strangers) CHECK(closed_after(b.links->port(), bytes));
  for (const auto& wrong :
       {as("x", "session", "wrong"), as("x", "another"), as("", "session"),
        proof_settings{.port = port_kind::control, .name = "x", .token = "secret", .session = "session"}})
    CHECK(closed_after(b.links->port(), {}, wrong));
  // Proven, and then no frames.
  CHECK(closed_after(b.links->port(), with_length("no frame"), as("x")));
  CHECK(closed_after(b.links->port(), std::string("\x7f\xff\xff\xff", 4), as("x")));
  REQUIRE(b.wait([&] { return b.logged.size() >= 5; }));
  for (const auto& line : b.logged) CHECK(line.find("refused a data connection") == 0);
  CHECK(b.failed.empty());
  a.links->add_peer("b", b.where());
  b.receive("a", route);
  a.links->send("b", {route, 1, rows_of(0, 1)});
  CHECK(b.wait([&] { return b.arrived.size() == 1; }));
}

TEST_CASE("no data goes to a stranger who listens in a node's place") {
  node_links a("a");
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
  REQUIRE(::listen(listener, 1) == 0);
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&where), &size) == 0);
  a.links->add_peer("b", {"127.0.0.1", ntohs(where.sin_port)});
  a.links->send("b", {route, 1, rows_of(0, 1000)});
  const int taken = ::accept(listener, nullptr, nullptr);
  CHECK_FALSE(test::prove(taken, proof::accepting(as("b", "session", "another token"))));
  REQUIRE(a.wait([&] { return a.failed.size() == 1; }));
  CHECK(a.failed[0].second.message.find("token") != std::string::npos);
  // A proven node of another name is not the peer either.
  a.links->send("b", {{.run = "run-2", .edge = 0, .from = 0, .to = 0}, 1, rows_of(0, 1000)});
  const int second = ::accept(listener, nullptr, nullptr);
  CHECK_FALSE(test::prove(second, proof::accepting(as("c"))));
  REQUIRE(a.wait([&] { return a.failed.size() == 2; }));
  for (const int file : {taken, second, listener}) ::close(file);
}

TEST_CASE("nobody gets in before a node has its session") {
  node_links b("b", "");
  CHECK(closed_after(b.links->port(), {}, as("x", "")));
  REQUIRE(b.wait([&] { return b.logged.size() == 1; }));
}

TEST_CASE("a broken link fails its runs with the cause, and the next run connects anew") {
  node_links a("a");
  auto b = std::make_unique<node_links>("b");
  a.links->add_peer("b", b->where());
  b->receive("a", route);
  a.links->send("b", {route, 1, rows_of(0, 1)});
  REQUIRE(b->wait([&] { return b->arrived.size() == 1; }));
  b.reset();
  REQUIRE(a.wait([&] { return a.failed.size() == 1; }));
  CHECK(a.failed[0].first == "run-1");
  CHECK(a.failed[0].second.code == "link_broken");
  CHECK(a.failed[0].second.message.find("node b") != std::string::npos);

  b = std::make_unique<node_links>("b");
  a.links->add_peer("b", b->where());
  const data_route next{.run = "run-2", .edge = 0, .from = 0, .to = 0};
  b->receive("a", next);
  a.links->send("b", {route, 1, rows_of(0, 1)});  // of the failed run: dropped
  a.links->send("b", {next, 1, rows_of(5, 1)});
  REQUIRE(b->wait([&] { return b->arrived.size() == 1; }));
  CHECK(std::get<batch>(b->arrived[0]).data->Equals(*rows_of(5, 1).data));
}

TEST_CASE("a peer that nobody knows, or nobody answers for, fails the run") {
  node_links a("a");
  a.links->send("ghost", {route, 1, rows_of(0, 1)});
  REQUIRE(a.wait([&] { return a.failed.size() == 1; }));
  const test::closed_port gone;
  a.links->add_peer("gone", {"127.0.0.1", gone.number()});
  a.links->send("gone", {{.run = "run-2", .edge = 0, .from = 0, .to = 0}, 1, rows_of(0, 1)});
  REQUIRE(a.wait([&] { return a.failed.size() == 2; }));
  CHECK(a.failed[1].first == "run-2");
}

TEST_CASE("frames of another attempt are dropped") {
  node_links a("a"), b("b");
  a.links->add_peer("b", b.where());
  b.receive("a", route);
  a.links->send("b", {route, 2, rows_of(0, 1)});
  const data_route other{.run = "run-1", .edge = 4, .from = 0, .to = 0};
  b.receive("a", other);
  a.links->send("b", {other, 1, rows_of(7, 1)});
  REQUIRE(b.wait([&] { return !b.arrived.empty(); }));
  CHECK(std::get<batch>(b.arrived[0]).data->Equals(*rows_of(7, 1).data));
}
