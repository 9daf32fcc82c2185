#include "cluster/run_starter.hpp"

#include "tests/cluster/played_cluster.hpp"

#include <caf/all.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::cluster;
using namespace sluice::cluster::testing;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

namespace {

/// A first node with a worker, and runs of numbers -> shelf whose sink is on the worker.
struct spread : played_node {
  actors::testing::bench job;
  played_peer n2{*this, "n2", 2};

  explicit spread(const std::string& sinks_node = "n2") {
    n2.join();
    const int from = job.source("numbers", {});
    job.edge(from, job.sink("shelf", std::make_shared<actors::testing::shelf>()));
    job.what().units[1].definition.place.node = sinks_node;
  }
  std::shared_ptr<const actors::run_setup> launch(const probe& supervisor) {
    auto setup = job.setup();
    supervisor.send(node, actors::launch{setup, supervisor, supervisor});
    time.settle();
    return setup;
  }
  /// The worker's answer: it has the instances that it was asked for, each one of the test's.
  void start(const std::string& run, const probe& instance) {
    n2.say(part_started{run, "n2", {{{1, 0}, instance, "n2"}}});
  }
};

}  // namespace

TEST_CASE("a run on one node is launched at once, with its instances and their places") {
  spread first("n1");
  probe supervisor(first.time);
  first.launch(supervisor);
  const auto all = supervisor.last<actors::launched>().instances;
  REQUIRE(all.size() == 3);
  for (const auto& one : all) CHECK(one.node == "n1");
  CHECK(first.n2.self.count<start_part>() == 0);
}

TEST_CASE("a run over two nodes is launched when both have started and wired their parts") {
  spread first;
  probe supervisor(first.time);
  const auto setup = first.launch(supervisor);
  const auto asked = first.n2.self.last<start_part>();
  CHECK(asked.run == setup->run);
  CHECK(asked.session == first.n2.session());
  REQUIRE(asked.instances.size() == 1);
  CHECK(asked.instances[0] == flow::instance_id{1, 0});
  CHECK(first.n2.self.count<wire_part>() == 0);
  probe instance(first.time);
  first.start(setup->run, instance);
  CHECK(first.n2.self.last<wire_part>().all.size() == 3);
  CHECK(supervisor.silent());
  first.n2.say(part_wired{setup->run, "n2"});
  CHECK(supervisor.count<actors::launched>() == 1);
  // Answers that come twice, or of runs that are none, change nothing.
  first.start(setup->run, instance);
  first.n2.say(part_wired{setup->run, "n2"});
  first.start("nobody", instance);
  CHECK(supervisor.count<actors::launched>() == 1);
  CHECK(first.n2.self.count<wire_part>() == 1);
}

TEST_CASE("runs that start at the same time don't get in each other's way, in whatever order the answers come") {
  spread first;
  probe one(first.time);
  probe two(first.time);
  const auto a = first.launch(one);
  const auto b = first.launch(two);
  probe instance(first.time);
  first.start(b->run, instance);
  first.start(a->run, instance);
  first.n2.say(part_wired{a->run, "n2"});
  CHECK(one.count<actors::launched>() == 1);
  CHECK(two.silent());
  first.n2.say(part_wired{b->run, "n2"});
  CHECK(two.count<actors::launched>() == 1);
}

TEST_CASE("a run that goes on waits for the workers of the controller before, a new one does not") {
  played_node late("n1", false, [](node_settings& settings) {
    settings.grace_of_workers = 2s;
    settings.most_of_workers = 30s;
  });
  actors::testing::bench job;
  const int from = job.source("numbers", {});
  job.edge(from, job.sink("shelf", std::make_shared<actors::testing::shelf>()));
  job.what().units[1].definition.place.node = "n2";
  probe supervisor(late.time);
  const auto launch = [&](std::uint32_t attempt) {
    auto setup = std::make_shared<actors::run_setup>(*job.setup());
    setup->attempt = attempt;
    supervisor.send(late.node, actors::launch{setup, supervisor, supervisor});
    late.time.settle();
  };
  launch(1);
  CHECK(supervisor.last<actors::launch_failed>().why.code == "unknown_node");
  supervisor.clear();
  launch(2);
  late.time.pass(20s);
  CHECK(supervisor.silent());
  played_peer n2(late, "n2", 2);
  n2.join().beat();
  late.time.pass(1s);
  CHECK(n2.self.count<start_part>() == 1);
  // Nobody of that name comes.
  job.what().units[1].definition.place.node = "n3";
  launch(2);
  late.time.pass(10s);
  CHECK(supervisor.last<actors::launch_failed>().why.code == "unknown_node");
}

TEST_CASE("a run is taken over where workers have kept all of it, and dropped where something is missing") {
  actors::testing::bench job;
  const int from = job.source("numbers", {});
  job.edge(from, job.sink("shelf", std::make_shared<actors::testing::shelf>()));
  const auto setup = job.setup();
  played_node next("n1", false, [&](node_settings& settings) {
    settings.grace_of_workers = 2s;
    settings.most_of_workers = 30s;
    settings.lost_runs = {setup->run};
  });
  probe control(next.time), instance(next.time), supervisor(next.time);
  const auto part = [&](std::vector<flow::instance_id> which, const std::string& node) {
    kept_part made{.run = setup->run, .attempt = setup->attempt, .instances = {}};
    for (const auto& who : which) made.instances.push_back({who, instance, node});
    return made;
  };
  played_peer n2(next, "n2", 2), n3(next, "n3", 3);
  const auto stranger = kept_part{.run = "another", .attempt = 1, .instances = {}};
  control.send(next.node, actors::find_parts{setup});
  next.time.pass(1s);
  n2.say(join_cluster{n2.as_peer(), {part({{0, flow::instance_id::enumerator}, {0, 0}}, "n2"), stranger}});
  CHECK(n2.self.last<drop_part>().run == "another");
  CHECK(n2.self.count<drop_part>() == 1);
  for (int second = 0; second < 5; ++second) {
    n2.beat();
    next.time.pass(1s);
  }
  CHECK(control.silent());
  n2.beat();
  SECTION("the last instance comes") {
    n3.say(join_cluster{n3.as_peer(), {part({{1, 0}}, "n3")}});
    next.time.pass(1s);
    CHECK(control.last<actors::parts_found>().instances.size() == 3);
    supervisor.send(next.node, actors::take_parts{setup, supervisor, supervisor});
    next.time.settle();
    for (auto* node : {&n2, &n3}) {
      CHECK(node->self.last<follow_part>().attempt == setup->attempt);
      CHECK(supervisor.count<actors::launched>() == 0);
      node->say(part_wired{setup->run, node->info.name});
    }
    CHECK(supervisor.last<actors::launched>().instances.size() == 3);
    next.time.kill(n3.self);
    next.time.settle();
    CHECK(supervisor.last<actors::node_lost>().node == "n3");
  }
  SECTION("a node that has it goes before it is taken over") {
    n3.say(join_cluster{n3.as_peer(), {part({{1, 0}}, "n3")}});
    next.time.pass(1s);
    next.time.kill(n2.self);
    next.time.settle();
    supervisor.send(next.node, actors::take_parts{setup, supervisor, supervisor});
    next.time.settle();
    CHECK(supervisor.last<actors::launch_failed>().why.code == "not_adopted");
  }
  SECTION("it does not come") {
    next.time.pass(4s);
    n2.beat();
    CHECK(control.last<actors::parts_found>().instances.empty());
    control.send(next.node, actors::drop_parts{setup->run});
    next.time.settle();
    CHECK(n2.self.last<drop_part>().run == setup->run);
  }
}

TEST_CASE("a run that no node fits, or that a node can't start, is not launched") {
  SECTION("no node of that name") {
    spread first("n22");
    probe supervisor(first.time);
    first.launch(supervisor);
    CHECK(supervisor.last<actors::launch_failed>().why.code == "unknown_node");
    CHECK(supervisor.last<actors::launch_failed>().why.hint == "did you mean 'n2'?");
  }
  SECTION("the node refuses") {
    spread first;
    probe supervisor(first.time);
    const auto setup = first.launch(supervisor);
    first.n2.say(part_failed{setup->run, "n2", user_error("missing_file", "it is not there")});
    CHECK(supervisor.last<actors::launch_failed>().why.code == "missing_file");
    CHECK(supervisor.count<actors::launched>() == 0);
  }
}

TEST_CASE("a node that is lost at any time while it runs a part fails the run, which names it and the units") {
  const int when = GENERATE(0, 1, 2);  // placed, started, running
  const bool by_its_will = GENERATE(true, false);
  spread first;
  probe supervisor(first.time);
  const auto setup = first.launch(supervisor);
  probe instance(first.time);
  if (when > 0) first.start(setup->run, instance);
  if (when > 1) first.n2.say(part_wired{setup->run, "n2"});
  if (by_its_will) {
    first.n2.say(leave_cluster{first.n2.session(), "n2"});
  } else {
    first.time.kill(first.n2.self);
    first.time.settle();
  }
  REQUIRE(supervisor.count<actors::node_lost>() == 1);
  const auto lost = supervisor.last<actors::node_lost>();
  CHECK(lost.node == "n2");
  CHECK(lost.why.code == "node_lost");
  CHECK(lost.why.message.find("while running shelf") != std::string::npos);
  if (by_its_will) {
    // It is not part of the run any more, whatever it still says.
    first.start(setup->run, instance);
    first.n2.say(part_wired{setup->run, "n2"});
    CHECK(supervisor.count<actors::launched>() == (when == 2 ? 1 : 0));
  }
}

TEST_CASE("a node that is lost is nothing to runs that don't use it") {
  spread first("n1");
  probe supervisor(first.time);
  first.launch(supervisor);
  first.time.kill(first.n2.self);
  first.time.settle();
  CHECK(supervisor.count<actors::node_lost>() == 0);
}

TEST_CASE("a run that is over is let go of on all nodes") {
  spread first;
  probe supervisor(first.time);
  const auto setup = first.launch(supervisor);
  probe instance(first.time);
  first.start(setup->run, instance);
  first.time.kill(supervisor);
  first.time.settle();
  REQUIRE(first.n2.self.count<release_part>() == 1);
  CHECK(first.n2.self.last<release_part>().run == setup->run);
  CHECK(first.links->forgotten == strings{setup->run});
  // The node actor, its worker, the dialler and the instance of the test are left.
  CHECK(first.time.alive() == 4);
  first.n2.say(part_wired{setup->run, "n2"});
  CHECK(first.time.alive() == 4);
}

TEST_CASE("a supervisor that ends before its run is launched leaves nothing behind") {
  spread first;
  auto supervisor = std::make_unique<probe>(first.time);
  const auto setup = first.job.setup();
  supervisor->send(first.node, actors::launch{setup, *supervisor, *supervisor});
  first.time.kill(*supervisor);
  first.time.settle();
  CHECK(first.n2.self.count<release_part>() == 1);
  CHECK(first.time.alive() == 3);
}

TEST_CASE("a broken link fails its run after a second, unless the loss of the node says more before") {
  const bool lost = GENERATE(true, false);
  spread first;
  probe supervisor(first.time);
  const auto setup = first.launch(supervisor);
  probe instance(first.time);
  first.start(setup->run, instance);
  caf::anon_send(first.node, run_broken{setup->run, external_error("link_broken", "the peer closed it")});
  first.time.pass(900ms);
  CHECK(supervisor.count<actors::node_lost>() == 0);
  if (lost) first.time.kill(first.n2.self);
  first.time.pass(200ms);
  REQUIRE(supervisor.count<actors::node_lost>() >= 1);
  CHECK(supervisor.all<actors::node_lost>().front().why.code == (lost ? "node_lost" : "link_broken"));
}
