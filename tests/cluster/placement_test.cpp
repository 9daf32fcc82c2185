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
const std::vector<placeable_node> three = {
    {"n1", {}}, {"n2", {{"zone", "dmz"}}}, {"n3", {{"zone", "dmz"}, {"disk", "ssd"}}}};

}  // namespace

TEST_CASE("files stay on the submitting node, the rest is spread round robin") {
  const auto what = plan_of({unit(unit_role::extract, "a", "csv"), unit(unit_role::transform, "b", "filter"),
                             unit(unit_role::transform, "c", "filter"), unit(unit_role::transform, "d", "filter"),
                             unit(unit_role::extract, "e", "generate"), unit(unit_role::load, "f", "parquet"),
                             unit(unit_role::load, "g", "blackhole")});
  diagnostics faults;
  const auto where = place(what, three, faults);
  REQUIRE(faults.empty());
  CHECK(where.at({0, 0}) == "n1");
  CHECK(where.at({1, 0}) == "n2");
  CHECK(where.at({2, 0}) == "n3");
  CHECK(where.at({3, 0}) == "n1");
  CHECK(where.at({4, 0}) == "n2");
  CHECK(where.at({5, 0}) == "n1");
  CHECK(where.at({6, 0}) == "n3");
  CHECK(where.at({0, flow::instance_id::enumerator}) == "n1");
  CHECK(where.at({4, flow::instance_id::enumerator}) == "n2");
  CHECK(where.size() == 9);
  CHECK(place(what, three, faults) == where);
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
