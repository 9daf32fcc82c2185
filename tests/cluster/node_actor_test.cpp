#include "cluster/node_actor.hpp"

#include "cluster/lifeline.hpp"
#include "tests/cluster/played_cluster.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::cluster;
using namespace sluice::cluster::testing;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

TEST_CASE("a node that joins is told who is there, and the others are told of it") {
  played_node first;
  played_peer n2(first, "n2", 2);
  played_peer n3(first, "n3", 3);
  n2.join();
  CHECK(n2.self.last<joined>().controller.info.name == "n1");
  CHECK(n2.self.last<joined>().others.empty());
  CHECK_FALSE(n2.session().empty());
  CHECK(n2.session() == first.links->session);
  n3.join();
  CHECK(n3.session() == n2.session());
  REQUIRE(n3.self.last<joined>().others.size() == 1);
  CHECK(n3.self.last<joined>().others[0].info.name == "n2");
  CHECK(n2.self.last<peer_joined>().who.info.name == "n3");
  CHECK(first.members() == strings{"n1", "n2", "n3"});
  CHECK(first.links->peers.at("n3").port == 8003);
}

TEST_CASE("a name that is taken is refused, and free again when its node has gone") {
  played_node first;
  played_peer own(first, "n1", 2);
  own.join();
  CHECK(own.self.last<join_refused>().why.code == "join_failed");
  played_peer n2(first, "n2", 2);
  n2.join();
  played_peer again(first, "n2", 3);
  again.join();
  CHECK(again.self.last<join_refused>().why.message.find("already has a node named n2") != std::string::npos);
  first.time.kill(n2.self);
  first.time.settle();
  again.join();
  CHECK(again.self.count<joined>() == 1);
  CHECK(first.members() == strings{"n1", "n2"});
  CHECK(first.links->peers.at("n2").port == 8003);
}

TEST_CASE("a node that leaves or dies is forgotten, and the others are told, once") {
  const bool dies = GENERATE(true, false);
  played_node first;
  played_peer n2(first, "n2", 2);
  played_peer n3(first, "n3", 3);
  n2.join();
  n3.join();
  if (dies) {
    first.time.kill(n3.self);
    first.time.settle();
  } else {
    n3.say(leave_cluster{n3.session(), "n3"});
    first.time.kill(n3.self);
    first.time.settle();
  }
  REQUIRE(n2.self.count<peer_left>() == 1);
  CHECK(n2.self.last<peer_left>().name == "n3");
  CHECK(first.members() == strings{"n1", "n2"});
  CHECK(first.links->peers.count("n3") == 0);
  CHECK(first.log.back().find(dies ? "n3 (pid 1) has left: its process" : "it was shut down") != std::string::npos);
}

TEST_CASE("what a node says of another life of the first node is not listened to") {
  played_node first;
  played_peer n2(first, "n2", 2);
  n2.join();
  n2.say(leave_cluster{"another session", "n2"});
  n2.say(leave_cluster{"", "n2"});
  n2.say(peer_left{"another session", "n2"});
  CHECK(first.members() == strings{"n1", "n2"});
}

namespace {

/// A worker and the first node, which the test plays.
struct joining : played_node {
  played_peer controller{*this, "n1", 1};
  played_peer third{*this, "n3", 3};

  joining() : played_node("n2", true) {
    caf::anon_send(node, join_now{});
    time.settle();
  }
  void dialled(const caf::actor& whom, const std::string& why = {}) {
    node_dialled answer;
    answer.number = dialler.last<dial_node>().number;
    answer.node = whom;
    answer.why = external_error("connection_refused", why);
    dialler.send(node, std::move(answer));
    time.settle();
  }
  void take_in(const std::string& session) {
    controller.say(joined{session, controller.as_peer(), {third.as_peer()}, 500, ""});
  }
};

}  // namespace

TEST_CASE("a worker dials the first node, asks to be taken in, and then dials the others") {
  joining worker;
  CHECK(worker.dialler.last<dial_node>().where.port == 7070);
  CHECK(worker.joined_as.empty());
  worker.dialled(worker.controller.self);
  CHECK(worker.controller.self.last<join_cluster>().who.info.name == "n2");
  worker.take_in("one");
  CHECK(worker.joined_as == strings{"ok"});
  CHECK(worker.links->session == "one");
  CHECK(worker.members() == strings{"n1", "n2", "n3"});
  CHECK(worker.dialler.last<dial_node>().expected == "n3");
  CHECK(worker.dialler.last<dial_node>().where.port == 7003);
  worker.dialled(nullptr, "nobody there");
  CHECK(worker.log.back() == "no control connection to node n3: nobody there");
  // It is asked for nothing more, however long it waits.
  worker.time.pass(1h);
  CHECK(worker.joined_as == strings{"ok"});
  CHECK(worker.controller.self.count<join_cluster>() == 1);
}

TEST_CASE("a worker that can't join says why") {
  joining worker;
  SECTION("nobody is there") { worker.dialled(nullptr, "nobody there"); }
  SECTION("it is refused") {
    worker.dialled(worker.controller.self);
    worker.controller.say(join_refused{user_error("join_failed", "the name is taken")});
  }
  SECTION("the other side is silent for five seconds") {
    worker.dialled(worker.controller.self);
    worker.time.pass(4999ms);
    CHECK(worker.joined_as.empty());
    worker.time.pass(1ms);
    // An answer that comes later is nobody's any more.
    worker.take_in("late");
    CHECK(worker.links->session.empty());
  }
  CHECK(worker.joined_as == strings{"join_failed"});
  CHECK(worker.members() == strings{"n2"});
}

TEST_CASE("nobody but the node that was asked can take a worker in") {
  joining worker;
  worker.dialled(worker.controller.self);
  worker.third.say(joined{"foreign", worker.third.as_peer(), {}, 500, ""});
  CHECK(worker.joined_as.empty());
  CHECK(worker.links->session.empty());
}

TEST_CASE("a worker whose first node dies forgets all it knew and tries again until it is taken in again") {
  joining worker;
  worker.dialled(worker.controller.self);
  worker.take_in("one");
  worker.dialled(worker.third.self);
  worker.time.kill(worker.controller.self);
  worker.time.settle();
  CHECK(worker.links->session.empty());
  CHECK(worker.links->peers.empty());
  CHECK(worker.members() == strings{"n2"});
  // What still comes from the others belongs to that life.
  worker.third.say(peer_joined{"one", worker.third.as_peer()});
  CHECK(worker.members() == strings{"n2"});
  worker.dialler.clear();
  for (std::size_t tries = 1; tries <= 3; ++tries) {
    worker.time.pass(1s);
    REQUIRE(worker.dialler.count<dial_node>() == tries);
    worker.dialled(nullptr, "nobody there");
  }
  worker.time.pass(1s);
  played_peer back(worker, "n1", 1);
  worker.dialled(back.self);
  back.say(joined{"two", back.as_peer(), {}, 500, ""});
  CHECK(worker.links->session == "two");
  CHECK(worker.log.back() == "joined node n1 again");
  CHECK(worker.joined_as == strings{"ok"});  // the first time only
  worker.time.pass(1min);
  CHECK(worker.dialler.count<dial_node>() == 4);
}

TEST_CASE("a node that stops says farewell, ends, and is ready for nothing") {
  joining worker;
  lifeline line;
  line.follow(worker.node);
  worker.dialled(worker.controller.self);
  worker.take_in("one");
  CHECK(line.alive());
  caf::anon_send(worker.node, stop_node{});
  worker.time.settle();
  CHECK(worker.controller.self.last<leave_cluster>().name == "n2");
  CHECK(worker.controller.self.last<leave_cluster>().session == "one");
  CHECK_FALSE(line.alive());
}

namespace {

start_part part_of(const std::string& run, std::int64_t term, std::uint32_t attempt) {
  actors::testing::bench job;
  const int from = job.source("numbers", {});
  job.edge(from, job.sink("shelf", std::make_shared<actors::testing::shelf>()));
  start_part made;
  made.session = "one";
  made.run = run;
  made.term = term;
  made.attempt = attempt;
  made.plan = plan_to_bytes(job.what());
  made.instances = {{1, 0}};
  return made;
}

}  // namespace

TEST_CASE("a worker starts, wires and releases its part of a run, and refuses older controllers and attempts") {
  joining worker;
  worker.dialled(worker.controller.self);
  worker.take_in("one");
  auto& controller = worker.controller;
  auto foreign = part_of("run", 2, 2);
  foreign.session = "another";
  controller.say(foreign);
  CHECK(controller.self.count<part_started>() == 0);
  controller.say(part_of("run", 2, 2));
  const auto started = controller.self.last<part_started>();
  REQUIRE(started.instances.size() == 1);
  CHECK(started.instances[0].node == "n2");
  controller.say(part_of("run", 1, 3));
  CHECK(controller.self.last<part_failed>().why.code == "old_term");
  controller.say(part_of("run", 2, 2));
  CHECK(controller.self.last<part_failed>().why.code == "old_attempt");
  auto unreadable = part_of("other", 2, 1);
  unreadable.plan = "no plan";
  controller.say(unreadable);
  CHECK(controller.self.last<part_failed>().why.code == "invalid_plan");
  const auto alive = worker.time.alive();
  probe supervisor(worker.time);
  auto all = started.instances;
  all.push_back({{0, 0}, supervisor.handle(), "n1"});
  all.push_back({{0, flow::instance_id::enumerator}, supervisor.handle(), "n1"});
  controller.say(wire_part{"one", "run", all, supervisor.handle(), supervisor.handle()});
  CHECK(controller.self.last<part_wired>().node == "n2");
  SECTION("the run ends") { controller.say(release_part{"one", "run"}); }
  SECTION("the first node dies") {
    worker.time.kill(controller.self);
    worker.time.settle();
    // Another may take the run over.
    const auto kept = worker.time.alive();
    CHECK(kept > alive - 1);
    worker.time.pass(29s);
    CHECK(worker.time.alive() == kept);
    worker.time.pass(2s);
    CHECK(worker.time.alive() == alive - 1);
    return;
  }
  CHECK(worker.time.alive() == alive);  // the supervisor has come, the instance has gone
  CHECK(worker.links->forgotten == strings{"run"});
}

TEST_CASE("a worker that finds a controller again says what it has kept, which follows or ends as that one says") {
  joining worker;
  worker.dialled(worker.controller.self);
  worker.take_in("one");
  worker.dialled(worker.third.self);
  worker.controller.say(part_of("run", 2, 2));
  probe supervisor(worker.time);
  auto all = worker.controller.self.last<part_started>().instances;
  const auto instance = all[0];
  all.push_back({{0, 0}, supervisor.handle(), "n3"});
  all.push_back({{0, flow::instance_id::enumerator}, supervisor.handle(), "n3"});
  worker.controller.say(wire_part{"one", "run", all, supervisor.handle(), supervisor.handle()});
  worker.dialler.clear();
  worker.time.kill(worker.controller.self);
  worker.time.pass(500ms);
  // The connections between the workers stay.
  CHECK(worker.links->peers.contains("n3"));
  played_peer back(worker, "n1", 1);
  worker.dialled(back.self);
  const auto parts = back.self.last<join_cluster>().parts;
  REQUIRE(parts.size() == 1);
  CHECK((parts[0].run == "run" && parts[0].attempt == 2));
  REQUIRE(parts[0].instances.size() == 1);
  CHECK(parts[0].instances[0].handle == instance.handle);
  worker.dialler.clear();
  back.say(joined{"two", back.as_peer(), {worker.third.as_peer()}, 500, ""});
  CHECK(worker.dialler.count<dial_node>() == 0);
  const auto alive = worker.time.alive();
  probe other(worker.time);
  const auto follows = [&](std::int64_t term, std::uint32_t attempt) {
    back.self.clear();
    back.say(follow_part{"two", "run", term, attempt, other.handle(), other.handle()});
  };
  SECTION("it is taken over") {
    follows(3, 2);
    CHECK(back.self.count<part_wired>() == 1);
    // Who commanded it before does not any more.
    supervisor.send(instance.handle, actors::leave{});
    supervisor.send(instance.handle, actors::abandon{});
    worker.time.pass(1h);
    CHECK(worker.time.alive() == alive + 1);
    CHECK(supervisor.silent());
    other.send(instance.handle, actors::leave{});
    worker.time.settle();
    CHECK(worker.time.alive() == alive);
  }
  SECTION("an older controller, or one that means another try, does not get it") {
    follows(1, 2);
    CHECK(back.self.last<part_failed>().why.code == "old_term");
    follows(3, 1);
    CHECK(back.self.last<part_failed>().why.code == "not_adopted");
  }
  SECTION("it is dropped") {
    back.say(drop_part{"two", "run"});
    CHECK(worker.time.alive() < alive);
    follows(3, 2);
    CHECK(back.self.last<part_failed>().why.code == "not_adopted");
  }
  SECTION("a connection of it breaks") {
    caf::anon_send(worker.node, run_broken{"run", external_error("link_broken", "the peer closed it")});
    worker.time.settle();
    follows(3, 2);
    CHECK(back.self.last<part_failed>().why.code == "not_adopted");
  }
}
