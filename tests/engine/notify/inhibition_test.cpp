#include "engine/notify/inhibition.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::notify;

namespace {

constexpr std::int64_t minute = 60'000'000;
const options lost_nodes = options::array({{{"by", "type = 'node.lost'"}, {"same", {"node"}}, {"for", 10 * minute}}});

store::event node_lost(const std::string& node, std::int64_t time) {
  store::event made;
  made.type = "node.lost";
  made.time = time;
  made.data = options{{"node", node}};
  return made;
}

store::event failed(const std::string& node, std::int64_t time) {
  store::event made;
  made.type = "run.failed";
  made.run = "r1";
  made.pipeline = "daily";
  made.time = time;
  made.data = options{{"cause", {{"code", "node_lost"}, {"where", "node " + node}}}};
  return made;
}

/// What mutes each of the events, in order.
std::vector<std::string> muted(inhibition& by, const std::vector<store::event>& events) {
  const auto muting = by.muting(events, {}).value();
  std::vector<std::string> all;
  for (std::size_t at = 0; at < events.size(); ++at) {
    by.note(events[at], muting, at);
    all.push_back(by.muted_by(events[at], muting, at));
  }
  return all;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a lost node mutes the alarms of its runs, for a time, and of no other node") {
  auto by = inhibition::make(lost_nodes, {}, options::array()).value();
  CHECK(muted(by, {failed("n1", 0), node_lost("n1", minute), failed("n1", 2 * minute), failed("n2", 2 * minute)}) ==
        texts{"", "", "node.lost of n1", ""});
  CHECK(muted(by, {failed("n1", 11 * minute), failed("n1", 12 * minute)}) == texts{"node.lost of n1", ""});
}

TEST_CASE("what mutes is remembered by the next process") {
  auto by = inhibition::make(lost_nodes, {}, options::array()).value();
  (void)muted(by, {node_lost("n1", minute)});
  auto next = inhibition::make(lost_nodes, {}, options::parse(by.state().dump())).value();
  CHECK(muted(next, {failed("n1", 2 * minute)}) == texts{"node.lost of n1"});
}

TEST_CASE("without same, one event mutes all others, and never itself") {
  auto by = inhibition::make(options::array({{{"by", "severity = 'error'"}, {"for", minute}}}), {}, {}).value();
  CHECK(muted(by, {failed("n1", 0), failed("n1", 1)}) == texts{"", ""});
  store::event other;
  other.type = "run.partial";
  other.time = 2;
  CHECK(muted(by, {other}) == texts{"run.failed"});
}

TEST_CASE("an event without the value that has to be the same is not muted") {
  auto by = inhibition::make(lost_nodes, {}, options::array()).value();
  auto elsewhere = failed("n1", 2 * minute);
  elsewhere.data["cause"]["where"] = "unit orders";
  CHECK(muted(by, {node_lost("n1", minute), elsewhere}) == texts{"", ""});
}
