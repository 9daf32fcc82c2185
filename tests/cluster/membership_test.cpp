#include "cluster/membership.hpp"

#include <catch2/catch.hpp>

using namespace sluice::cluster;
using namespace std::chrono_literals;

namespace {

/// Time goes on in steps of the interval, with a look at each.
struct played {
  membership members;
  membership::time now{1h};
  std::vector<std::string> seen;  ///< "n2 suspect"

  /// `beats`: who is heard of meanwhile.
  void pass(std::chrono::milliseconds length, const std::vector<std::string>& beats = {}) {
    for (const auto end = now + length; now < end;) {
      now += 500ms;
      for (const auto& name : beats) members.beat(name, 1, {}, now);
      for (const auto& one : members.look(now)) seen.push_back(one.name + " " + to_string(one.state));
    }
  }
};

}  // namespace

TEST_CASE("a member that is heard of stays; one that falls silent is suspect, then lost, and each is told once") {
  played with;
  with.members.add("n2", 1, with.now);
  with.members.add("n3", 1, with.now);
  with.pass(60s, {"n2", "n3"});
  CHECK(with.seen.empty());
  with.pass(20s, {"n2"});
  CHECK(with.seen == std::vector<std::string>{"n3 suspect", "n3 lost"});
  CHECK(with.members.state_of("n2") == member_state::ready);
}

TEST_CASE("a member that is heard of again in time is ready again") {
  played with;
  with.members.add("n2", 1, with.now);
  with.pass(3s);
  with.pass(1s, {"n2"});
  CHECK(with.seen == std::vector<std::string>{"n2 suspect", "n2 ready"});
}

TEST_CASE("an earlier life of a node keeps nobody in") {
  played with;
  with.members.add("n2", 2, with.now);
  CHECK_FALSE(with.members.beat("n2", 1, {}, with.now));
  CHECK_FALSE(with.members.beat("n3", 1, {}, with.now));
  with.pass(10s, {"n2"});  // of life 1
  CHECK(with.seen == std::vector<std::string>{"n2 suspect", "n2 lost"});
}

TEST_CASE("time in which this process did not run is held against nobody") {
  played with;
  with.members.add("n2", 1, with.now);
  with.pass(2s, {"n2"});
  with.now += 1h;  // stopped
  with.pass(1s, {"n2"});
  CHECK(with.seen.empty());
  with.pass(10s);
  CHECK(with.seen == std::vector<std::string>{"n2 suspect", "n2 lost"});
}

TEST_CASE("a member that is drained says so until it is taken back, and is lost like any other") {
  played with;
  with.members.add("n2", 1, with.now);
  CHECK(with.members.drain("n2", true));
  CHECK_FALSE(with.members.drain("n9", true));
  CHECK(with.members.state_of("n2") == member_state::draining);
  with.pass(1s, {"n2"});
  CHECK(with.members.state_of("n2") == member_state::draining);
  CHECK(with.members.drain("n2", false));
  CHECK(with.members.state_of("n2") == member_state::draining);  // from the next look on
  with.pass(1s, {"n2"});
  CHECK(with.members.state_of("n2") == member_state::ready);
  with.pass(10s);
  CHECK(with.members.state_of("n2") == member_state::lost);
}

TEST_CASE("a node reports its memory and load") {
  const auto report = own_report(3, 1);
  CHECK(report.units == 3);
  CHECK(report.memory > 1'000'000);
}
