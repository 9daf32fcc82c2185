#include "engine/plan/unit_graph.hpp"

#include <catch2/catch.hpp>

using namespace sluice;

namespace {

unit_definition unit(unit_role role, const std::string& name, std::vector<std::string> from = {}) {
  unit_definition made;
  made.role = role;
  made.name = name;
  made.from = std::move(from);
  return made;
}

pipeline of(std::vector<unit_definition> units) {
  pipeline made;
  made.units = std::move(units);
  return made;
}

std::vector<std::string> codes(const diagnostics& faults) {
  std::vector<std::string> found;
  for (const auto& fault : faults) found.push_back(fault.code + " " + fault.path);
  return found;
}

using enum unit_role;
using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("units are ordered so that inputs come first, else as in the file") {
  diagnostics faults;
  const auto graph = resolve_units(of({unit(extract, "a"), unit(transform, "late", {"early"}),
                                       unit(transform, "early", {"a"}), unit(load, "out", {"late", "a"})}),
                                   faults);
  CHECK(faults.empty());
  CHECK(graph.order == std::vector<int>{0, 2, 1, 3});
}

TEST_CASE("a circle is shown once, with its way") {
  diagnostics faults;
  const auto graph =
      resolve_units(of({unit(extract, "in"), unit(transform, "a", {"in", "c"}), unit(transform, "b", {"a"}),
                        unit(transform, "c", {"b"}), unit(load, "out", {"c"})}),
                    faults);
  REQUIRE(codes(faults) == texts{"cycle /transform/a/from"});
  CHECK(faults[0].message.find("a -> b -> c -> a") != std::string::npos);
  CHECK(graph.order == std::vector<int>{0, 2, 3, 1, 4});  // those on the circle too, without the input that closes it
}

TEST_CASE("a unit that reads itself is a circle") {
  diagnostics faults;
  resolve_units(of({unit(transform, "a", {"a"}), unit(load, "out", {"a"})}), faults);
  REQUIRE(codes(faults) == texts{"cycle /transform/a/from"});
  CHECK(faults[0].message.find("a -> a") != std::string::npos);
}

TEST_CASE("names that are unknown, twice there or those of sinks are refused") {
  diagnostics faults;
  resolve_units(of({unit(extract, "orders"), unit(extract, "orders"), unit(transform, "a", {"order"}),
                    unit(transform, "b", {"out"}), unit(load, "out", {"orders"})}),
                faults);
  CHECK(codes(faults) == texts{"duplicate_unit /extract/orders", "unknown_unit /transform/a/from/0",
                               "reads_a_sink /transform/b/from/0"});
  CHECK(faults[1].hint == "did you mean `orders`?");
}

TEST_CASE("units that nobody reads are refused, also where only their rejects are read") {
  diagnostics faults;
  resolve_units(
      of({unit(extract, "a"), unit(extract, "b"), unit(transform, "c", {"a"}), unit(load, "out", {"b.rejects"})}),
      faults);
  CHECK(codes(faults) == texts{"unread_unit /extract/b", "unread_unit /transform/c"});
}

TEST_CASE("the rejects of a sink can be read") {
  diagnostics faults;
  const auto graph =
      resolve_units(of({unit(extract, "a"), unit(load, "out", {"a"}), unit(load, "bad", {"out.rejects"})}), faults);
  CHECK(faults.empty());
  CHECK(graph.order == std::vector<int>{0, 1, 2});
}
