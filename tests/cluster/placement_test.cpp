#include "cluster/placement.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::cluster;

namespace {

plan plan_of(const std::vector<unit_definition>& units, int parallelism = 1) {
  plan made;
  for (const auto& unit : units) {
    planned_unit one;
    one.definition = unit;
    one.parallelism = parallelism;
    made.units.push_back(one);
  }
  return made;
}
unit_definition unit(unit_role role, const std::string& name, const std::string& component,
                     const placement& where = {}) {
  unit_definition made;
  made.role = role;
  made.name = name;
  made.component = component;
  made.place = where;
  return made;
}
void connect(plan& in, int from, int to, edge_kind kind = edge_kind::forward) {
  planned_edge made;
  made.from_unit = from;
  made.to_unit = to;
  made.kind = kind;
  in.edges.push_back(made);
}
const std::vector<placeable_node> three = {
    {"n1", {}}, {"n2", {{"zone", "dmz"}}}, {"n3", {{"zone", "dmz"}, {"disk", "ssd"}}}};

placed_plan placed(const plan& of) {
  diagnostics faults;
  auto where = place(of, three, faults);
  CHECK(faults.empty());
  return where;
}

}  // namespace

TEST_CASE("files stay on the submitting node, and what they feed stays with them") {
  auto what = plan_of({unit(unit_role::extract, "a", "csv"), unit(unit_role::transform, "b", "filter"),
                       unit(unit_role::transform, "c", "aggregate"), unit(unit_role::load, "d", "parquet")});
  connect(what, 0, 1);
  connect(what, 1, 2);
  connect(what, 2, 3);
  const auto where = placed(what);
  for (std::uint32_t at = 0; at < 4; ++at) CHECK(where.at({at, 0}) == "n1");
  CHECK(where.at({0, flow::instance_id::enumerator}) == "n1");
}

TEST_CASE(
    "a parallel unit is spread over all nodes, its pairs follow it, and what gathers stands where the rows go on") {
  auto what = plan_of({unit(unit_role::extract, "a", "csv"), unit(unit_role::transform, "b", "filter"),
                       unit(unit_role::transform, "c", "derive"), unit(unit_role::transform, "d", "sort"),
                       unit(unit_role::load, "e", "parquet")});
  what.units[1].parallelism = what.units[2].parallelism = 4;
  connect(what, 0, 1, edge_kind::round_robin);
  connect(what, 1, 2, edge_kind::forward);
  connect(what, 2, 3);
  connect(what, 3, 4);
  const auto where = placed(what);
  // n1 has the files, so it comes last.
  CHECK(where.at({1, 0}) == "n2");
  CHECK(where.at({1, 1}) == "n3");
  CHECK(where.at({1, 2}) == "n1");
  CHECK(where.at({1, 3}) == "n2");
  for (std::uint32_t i = 0; i < 4; ++i) CHECK(where.at({2, i}) == where.at({1, i}));
  CHECK(where.at({3, 0}) == "n1");
  CHECK(placed(what) == where);
}

TEST_CASE("a source that may run anywhere stands beside what takes its rows, or where there is least to do") {
  auto what = plan_of({unit(unit_role::extract, "a", "generate"),
                       unit(unit_role::load, "b", "blackhole", {.node = "n3", .labels = {}}),
                       unit(unit_role::extract, "c", "generate"), unit(unit_role::load, "d", "blackhole")});
  connect(what, 0, 1);
  connect(what, 2, 3);
  const auto where = placed(what);
  CHECK(where.at({0, 0}) == "n3");
  CHECK(where.at({0, flow::instance_id::enumerator}) == "n3");
  CHECK(where.at({2, 0}) == "n1");
  CHECK(where.at({3, 0}) == "n1");
}

TEST_CASE("work goes where there are cores for it") {
  auto what = plan_of({unit(unit_role::extract, "a", "generate"), unit(unit_role::transform, "b", "filter")});
  what.units[1].parallelism = 2;
  connect(what, 0, 1, edge_kind::round_robin);
  auto nodes = three;
  nodes[0].units = 4;
  nodes[1].units = 4;
  nodes[1].cores = 16;
  nodes[2].units = 1;
  diagnostics faults;
  const auto where = place(what, nodes, faults);
  CHECK(where.at({0, 0}) == "n2");  // 4/16 before 1/1 and 4/1
  CHECK(where.at({1, 0}) == "n2");
  CHECK(where.at({1, 1}) == "n3");
}

TEST_CASE("nodes that are suspect or draining, and controllers, get no work") {
  auto what = plan_of({unit(unit_role::extract, "a", "generate"), unit(unit_role::transform, "b", "filter")});
  what.units[1].parallelism = 4;
  connect(what, 0, 1, edge_kind::round_robin);
  auto nodes = three;
  nodes[0].works = false;
  nodes[1].state = "draining";
  diagnostics faults;
  for (const auto& [who, node] : place(what, nodes, faults)) CHECK(node == "n3");
  CHECK(faults.empty());
  nodes[2].state = "suspect";
  (void)place(what, nodes, faults);
  REQUIRE(faults.size() == 2);
  CHECK(faults[0].code == "no_worker");
  CHECK(faults[0].path == "/extract/a");
  CHECK(faults[0].message.find("node n1 is a controller and does no work; node n2 is draining; node n3 is suspect") !=
        std::string::npos);
  faults.clear();
  (void)place(plan_of({unit(unit_role::extract, "a", "csv")}), nodes, faults);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].code == "node_not_available");
  CHECK(faults[0].message.find("n1 is a controller") != std::string::npos);
  faults.clear();
  (void)place(plan_of({unit(unit_role::extract, "a", "generate", {.node = "n2", .labels = {}})}), nodes, faults);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].code == "node_not_available");
  CHECK(faults[0].path == "/extract/a/place/node");
}

TEST_CASE("a run with checkpoints stays on the nodes that see their folder") {
  auto what = plan_of({unit(unit_role::extract, "a", "generate"), unit(unit_role::transform, "b", "filter")});
  what.units[1].parallelism = 4;
  what.definition.checkpoint_microseconds = 1000000;
  connect(what, 0, 1, edge_kind::round_robin);
  auto nodes = three;
  nodes[1].shares_runs = false;
  diagnostics faults;
  for (const auto& [who, node] : place(what, nodes, faults)) CHECK(node != "n2");
  CHECK(faults.empty());
  what.units[1].definition.place.node = "n2";
  (void)place(what, nodes, faults);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].message.find("does not see the folder of checkpoints") != std::string::npos);
}

TEST_CASE("one node runs everything") {
  diagnostics faults;
  for (const auto& [who, node] :
       place(plan_of({unit(unit_role::extract, "a", "csv"), unit(unit_role::transform, "b", "filter")}, 3),
             {{"n1", {}}}, faults))
    CHECK(node == "n1");
  CHECK(faults.empty());
}

TEST_CASE("pins win: by name, and by labels over all nodes that have them") {
  diagnostics faults;
  const auto where = place(plan_of({unit(unit_role::extract, "a", "csv", {.node = "n3", .labels = {}}),
                                    unit(unit_role::transform, "b", "sort", {.node = {}, .labels = {{"zone", "dmz"}}})},
                                   3),
                           three, faults);
  REQUIRE(faults.empty());
  for (std::uint32_t i = 0; i < 3; ++i) CHECK(where.at({0, i}) == "n3");
  CHECK(where.at({0, flow::instance_id::enumerator}) == "n3");
  CHECK(where.at({1, 0}) == "n2");
  CHECK(where.at({1, 1}) == "n3");
  CHECK(where.at({1, 2}) == "n2");
}

TEST_CASE("all pins that fit nowhere are reported together, with the nearest name") {
  diagnostics faults;
  (void)place(plan_of({unit(unit_role::extract, "a", "csv", {.node = "n22", .labels = {}}),
                       unit(unit_role::transform, "b", "sort", {.node = {}, .labels = {{"zone", "lan"}}})}),
              three, faults);
  REQUIRE(faults.size() == 2);
  CHECK(faults[0].code == "unknown_node");
  CHECK(faults[0].hint == "did you mean 'n2'?");
  CHECK(faults[0].path == "/extract/a/place/node");
  CHECK(faults[1].code == "no_such_label");
  CHECK(faults[1].message.find("zone: lan") != std::string::npos);
}
