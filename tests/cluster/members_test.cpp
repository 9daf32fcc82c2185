#include "tests/cluster/played_cluster.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::cluster;
using namespace sluice::cluster::testing;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

TEST_CASE("a member is joining until its first heartbeat, suspect when it is silent, and then lost") {
  played_node first;
  played_peer n2(first, "n2", 2);
  n2.join();
  CHECK(first.states() == strings{"n1 ready", "n2 joining"});
  n2.beat();
  CHECK(first.states() == strings{"n1 ready", "n2 ready"});
  for (int i = 0; i < 20; ++i) {
    first.time.pass(500ms);
    n2.beat();
  }
  CHECK(first.states() == strings{"n1 ready", "n2 ready"});
  first.time.pass(2500ms);
  CHECK(first.states() == strings{"n1 ready", "n2 suspect"});
  n2.beat();
  first.time.pass(500ms);
  CHECK(first.states() == strings{"n1 ready", "n2 ready"});
  first.time.pass(6500ms);
  CHECK(first.states() == strings{"n1 ready", "n2 lost"});
  CHECK(first.links->peers.empty());
  CHECK(first.events ==
        strings{"node.joined n2", "node.suspect n2", "node.recovered n2", "node.suspect n2", "node.lost n2"});
  // What it says after that is not listened to: it has to join again, which it may under its name.
  n2.beat();
  CHECK(n2.self.count<heartbeat_unknown>() == 1);
  n2.join();
  n2.beat();
  CHECK(first.states() == strings{"n1 ready", "n2 ready"});
}

TEST_CASE("a name is free again once its node is suspect, and the id of an actor system is one node's") {
  played_node first;
  played_peer n2(first, "n2", 2);
  n2.info.system = "one";
  n2.join();
  played_peer twin(first, "n3", 3);
  twin.info.system = "one";
  twin.join();
  CHECK(twin.self.last<join_refused>().why.message == "node n2 has the same id of its actor system");
  played_peer again(first, "n2", 4);
  again.join();
  CHECK(again.self.count<joined>() == 0);
  first.time.pass(2500ms);
  again.join();
  CHECK(again.self.count<joined>() == 1);
  CHECK(first.states() == strings{"n1 ready", "n2 joining"});
  CHECK(first.links->peers.at("n2").port == 8004);
}

TEST_CASE("any member may be asked: a worker says where the first node is") {
  played_node worker("n2", true);
  played_peer controller(worker, "n1", 1);
  caf::anon_send(worker.node, join_now{});
  worker.time.settle();
  const auto dialled = [&](const caf::actor& whom) {
    node_dialled answer;
    answer.number = worker.dialler.last<dial_node>().number;
    answer.node = whom;
    worker.dialler.send(worker.node, std::move(answer));
    worker.time.settle();
  };
  SECTION("the one that it asks is a worker") {
    played_peer other(worker, "n3", 3);
    dialled(other.self);
    controller.say(join_elsewhere{"10.0.0.9", 1});  // nobody has asked it
    CHECK(worker.dialler.last<dial_node>().where.port == 7070);
    other.say(join_elsewhere{"10.0.0.1", 7001});
    CHECK(worker.dialler.last<dial_node>().where.to_string() == "10.0.0.1:7001");
    dialled(controller.self);
    CHECK(controller.self.count<join_cluster>() == 1);
    controller.say(joined{"one", controller.as_peer(), {}, 500, ""});
    CHECK(worker.joined_as == strings{"ok"});
  }
  SECTION("it is asked itself") {
    dialled(controller.self);
    played_peer n3(worker, "n3", 3);
    n3.join();
    CHECK(n3.self.last<join_refused>().why.message == "node n2 has lost its controller");
    controller.say(joined{"one", controller.as_peer(), {}, 500, ""});
    n3.join();
    CHECK(n3.self.last<join_elsewhere>().port == controller.info.port);
  }
  SECTION("members send it round in a circle") {
    for (int i = 0; i < 4; ++i) {
      dialled(controller.self);
      controller.say(join_elsewhere{"10.0.0.1", 7001});
    }
    CHECK(worker.joined_as == strings{"join_failed"});
  }
}

TEST_CASE("a worker sends heartbeats, and joins again when it is told that it is not known") {
  played_node worker("n2", true);
  played_peer controller(worker, "n1", 1);
  caf::anon_send(worker.node, join_now{});
  worker.time.settle();
  const auto taken_in = [&](const std::string& session) {
    node_dialled answer;
    answer.number = worker.dialler.last<dial_node>().number;
    answer.node = controller.self;
    worker.dialler.send(worker.node, std::move(answer));
    worker.time.settle();
    controller.say(joined{session, controller.as_peer(), {}, 200, ""});
  };
  taken_in("one");
  CHECK(controller.self.count<heartbeat>() == 1);
  worker.time.pass(1s);
  CHECK(controller.self.count<heartbeat>() == 6);
  CHECK(controller.self.last<heartbeat>().session == "one");
  controller.say(heartbeat_unknown{"zero"});
  CHECK(worker.links->session == "one");
  controller.say(heartbeat_unknown{"one"});
  CHECK(worker.links->session.empty());
  worker.time.pass(1s);
  CHECK(controller.self.count<heartbeat>() == 6);
  taken_in("two");
  worker.time.pass(1s);
  CHECK(controller.self.count<heartbeat>() == 12);
  CHECK(controller.self.last<heartbeat>().session == "two");
}

TEST_CASE("a node that is drained gets no work, and says when nothing works on it any more") {
  played_node first;
  played_peer n2(first, "n2", 2);
  n2.join();
  n2.beat();
  probe asks(first.time);
  asks.send(first.node, drain_node{"n3", true});
  asks.send(first.node, drain_node{"n1", true});
  first.time.settle();
  const auto answers = asks.all<drain_answer>();
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].refused->code == "node_not_found");
  CHECK(answers[0].refused->hint == "did you mean 'n2'?");
  CHECK(answers[1].refused->code == "no_drain");
  asks.send(first.node, drain_node{"n2", true});
  first.time.settle();
  CHECK_FALSE(asks.last<drain_answer>().refused);
  CHECK(first.states() == strings{"n1 ready", "n2 draining"});
  CHECK(first.events == strings{"node.joined n2"});  // two units work there
  n2.say(heartbeat{n2.session(), "n2", n2.info.started, {.units = 0}, true});
  n2.say(heartbeat{n2.session(), "n2", n2.info.started, {.units = 0}, true});
  CHECK(first.events == strings{"node.joined n2", "node.drained n2"});
  asks.send(first.node, drain_node{"n2", false});
  first.time.pass(500ms);
  CHECK(first.states() == strings{"n1 ready", "n2 ready"});
}
