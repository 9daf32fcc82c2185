#include "cluster/proof/proof.hpp"

#include "cluster/proof/newcomers.hpp"
#include "cluster/proof/refusal_log.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <vector>

using namespace sluice;
using namespace sluice::cluster;
using namespace std::chrono_literals;

namespace {

const std::string secret = "0123456789abcdef0123456789abcdef";

proof_settings as(const std::string& name, const std::string& token = secret, port_kind port = port_kind::control,
                  const std::string& session = {}) {
  return {.port = port, .name = name, .token = token, .session = session};
}

/// What the two sides say until one has enough.
struct exchange {
  std::vector<std::string> dialler, acceptor;  ///< messages sent
  proof::step at_dialler, at_acceptor;         ///< the last steps
};
exchange run(proof& dialler, proof& acceptor) {
  exchange seen;
  auto next = dialler.begin();
  while (true) {
    seen.dialler.push_back(next);
    seen.at_acceptor = acceptor.take(next);
    if (seen.at_acceptor.send.empty()) return seen;
    seen.acceptor.push_back(seen.at_acceptor.send);
    seen.at_dialler = dialler.take(seen.at_acceptor.send);
    next = seen.at_dialler.send;
    if (next.empty()) return seen;
  }
}
exchange run(proof_settings dialler, proof_settings acceptor, const std::string& expected = {}) {
  auto one = proof::dialling(std::move(dialler), expected);
  auto other = proof::accepting(std::move(acceptor));
  return run(one, other);
}

}  // namespace

TEST_CASE("two nodes with one token prove it to each other without sending it") {
  auto dialler = proof::dialling(as("n2"), "n1");
  auto acceptor = proof::accepting(as("n1"));
  const auto seen = run(dialler, acceptor);
  CHECK(seen.at_dialler.done);
  CHECK(seen.at_acceptor.done);
  CHECK(dialler.peer() == "n1");
  CHECK(acceptor.peer() == "n2");
  for (const auto* side : {&seen.dialler, &seen.acceptor})
    for (const auto& message : *side) {
      CHECK(message.size() <= max_proof_bytes);
      CHECK(message.find(secret) == std::string::npos);
    }
}

TEST_CASE("what differs is said to both sides") {
  struct differs {
    proof_settings dialler, acceptor;
    std::string to_dialler, to_acceptor;
  };
  const std::string other(32, 'x');
  const std::vector<differs> cases = {
      {as("n2", other), as("n1"), "the token of the other node is different",
       "its token is not the token of this node"},
      {as("n2", secret, port_kind::data, "s"), as("n1"), "not for data connections", "control port"},
      {as("n2", secret, port_kind::data, "s"), as("n1", secret, port_kind::data, "t"), "another session",
       "another session"},
      {as("n2", ""), as("n1", ""), "another session", "another session"},
  };
  for (const auto& one : cases) {
    const auto seen = run(one.dialler, one.acceptor);
    CHECK_FALSE(seen.at_dialler.done);
    CHECK_FALSE(seen.at_acceptor.done);
    REQUIRE(seen.at_dialler.refused);
    REQUIRE(seen.at_acceptor.refused);
    CHECK(seen.at_dialler.refused->message.find(one.to_dialler) != std::string::npos);
    CHECK(seen.at_acceptor.refused->message.find(one.to_acceptor) != std::string::npos);
  }
}

TEST_CASE("a node that is not the one expected gets no answer to its challenge") {
  const auto seen = run(as("n3"), as("n1"), "n2");
  CHECK(seen.at_dialler.refused);
  CHECK(seen.dialler.size() == 2);  // its hello, and the refusal
  CHECK_FALSE(seen.at_acceptor.done);
}

TEST_CASE("another version is named on both sides") {
  auto dialler = proof::dialling(as("n2"), {});
  auto hello = dialler.begin();
  // The version follows the first key; it is a small number, one byte.
  const auto at = hello.find("sluice") + 6;
  REQUIRE(hello[at] == static_cast<char>(node_protocol));
  hello[at] = 9;
  auto acceptor = proof::accepting(as("n1"));
  const auto refused = acceptor.take(hello);
  REQUIRE(refused.refused);
  CHECK(refused.refused->message.find("version 9") != std::string::npos);
  auto told = dialler.take(refused.send);
  REQUIRE(told.refused);
  CHECK(told.refused->message.find("another release") != std::string::npos);
  CHECK(told.refused->to_blame == blame::user);
}

TEST_CASE("another release of the program is refused on both sides, on which both say so") {
  auto older = as("n2");
  older.release = "0.0";
  const auto seen = run(older, as("n1"), "");
  REQUIRE(seen.at_acceptor.refused);
  CHECK(seen.at_acceptor.refused->message.find("another release") != std::string::npos);
  CHECK(seen.at_acceptor.refused->hint.find("last number only") != std::string::npos);
  REQUIRE(seen.at_dialler.refused);
  CHECK(seen.at_dialler.refused->message.find("another release") != std::string::npos);
  CHECK(seen.at_dialler.refused->to_blame == blame::user);
}

TEST_CASE("who has heard a whole proof can't repeat any side of it") {
  auto dialler = proof::dialling(as("n2"), {});
  auto acceptor = proof::accepting(as("n1"));
  const auto heard = run(dialler, acceptor);
  REQUIRE(heard.at_dialler.done);

  auto again = proof::accepting(as("n1"));
  CHECK_FALSE(again.take(heard.dialler[0]).refused);
  CHECK(again.take(heard.dialler[1]).refused);  // made for another nonce

  auto fooled = proof::dialling(as("n2"), {});
  (void)fooled.begin();
  CHECK_FALSE(fooled.take(heard.acceptor[0]).done);
  CHECK(fooled.take(heard.acceptor[1]).refused);
}

TEST_CASE("a mirror proves nothing") {
  // Sends back to a dialler what it says: as a challenge its own nonce is refused.
  auto dialler = proof::dialling(as("n2"), {});
  CHECK(dialler.take(dialler.begin()).refused);
  // Lets a node answer its own challenge: two connections to one node, which accepts both.
  auto one = proof::accepting(as("n1")), other = proof::accepting(as("n1"));
  auto stranger = proof::dialling(as("n2"), {});
  const auto challenge = one.take(stranger.begin());
  CHECK(other.take(challenge.send).refused);
  // Dialled by a node, a stranger asks that node's own port for the answer: its role is another.
  auto dials = proof::dialling(as("n1"), {});
  auto accepts = proof::accepting(as("n1"));
  const auto middle = accepts.take(dials.begin());
  const auto answer = dials.take(middle.send);
  REQUIRE_FALSE(answer.refused);
  CHECK(dials.take(answer.send).refused);
}

TEST_CASE("no mutation of a proof gets through") {
  std::mt19937 random(7);
  int complete = 0;
  for (int round = 0; round < 20000; ++round) {
    auto dialler = proof::dialling(as("n2"), "n1");
    auto acceptor = proof::accepting(as("n1"));
    const auto victim = random() % 4;
    std::string message = dialler.begin();
    bool mutated_done = false;
    for (unsigned step = 0; step < 4; ++step) {
      bool changed = false;
      if (step == victim) {
        const auto original = message;
        for (auto left = 1 + random() % 4; left > 0; --left)
          message[random() % message.size()] = static_cast<char>(random());
        if (random() % 4 == 0) message.resize(random() % message.size());
        changed = message != original;
      }
      auto next = step % 2 == 0 ? acceptor.take(message) : dialler.take(message);
      if (step == victim && !changed) ++complete;
      if (next.done && step >= victim && complete == 0) mutated_done = step == 2 || step == 3;
      message = next.send;
      if (next.refused || message.empty()) break;
    }
    // A change of the hello's node name, say, is noticed with the first signature.
    REQUIRE_FALSE(mutated_done);
    complete = 0;
  }
}

TEST_CASE("random bytes are no proof") {
  std::mt19937 random(11);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random() % 300, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    auto acceptor = proof::accepting(as("n1"));
    const auto next = acceptor.take(bytes);
    CHECK_FALSE(next.done);
    CHECK(next.refused);
  }
}

TEST_CASE("the oldest newcomer makes room for a new one") {
  struct connection {
    int evicted = 0;
    void evict() { ++evicted; }
  };
  newcomers<connection> room(2);
  const auto a = std::make_shared<connection>(), b = std::make_shared<connection>(), c = std::make_shared<connection>();
  const auto of_a = room.add(a);
  room.add(b);
  CHECK(a->evicted == 0);
  room.add(c);
  CHECK(a->evicted == 1);
  room.remove(of_a);
  CHECK(room.size() == 2);
  room.clear();
  CHECK(b->evicted == 1);
  CHECK(c->evicted == 1);
}

TEST_CASE("a flood of refusals writes a few lines and a count") {
  refusal_log log;
  const auto begin = refusal_log::clock::time_point(100s);
  std::vector<std::string> written;
  for (int i = 0; i < 1000; ++i)
    for (auto& line : log.take("line " + std::to_string(i), begin + 1ms * i)) written.push_back(line);
  REQUIRE(written.size() == refusal_log::lines_in_window);
  const auto later = log.take("last", begin + 20s);
  REQUIRE(later.size() == 2);
  CHECK(later[0].find("995 more") == 0);
  CHECK(later[1] == "last");
}
