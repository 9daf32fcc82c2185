#include "engine/component/connection_field.hpp"
#include "tests/support/planning.hpp"

#include <arrow/type.h>

#include <catch2/catch.hpp>

#include <filesystem>

using namespace sluice;
using namespace sluice::testing;

namespace {

using names = std::vector<std::string>;

const std::string from_rows =
    "extract:\n"
    "  rows:\n"
    "    generate: { rows: 9, columns: { a: sequence, b: sequence, c: sequence, d: { text: 3 } } }\n";

attempt with_transforms(const std::string& units, const std::string& last) {
  return plan_text(from_rows + "transform:\n" + units + "load:\n  out: { from: " + last + ", blackhole: {} }\n");
}

/// What the source reads, all columns where nothing was left out.
names read_by(const std::string& units, const std::string& last) {
  const auto made = with_transforms(units, last);
  INFO(made.shown);
  REQUIRE(made.planned);
  return made.planned->units[0].outputs[0].schema->field_names();
}

}  // namespace

TEST_CASE("columns that nobody uses are not read") {
  CHECK(read_by("  t: { from: rows, select: [c] }\n", "t") == names{"c"});
  CHECK(read_by("  t: { from: rows, filter: \"a > 1\" }\n  u: { from: t, select: [d] }\n", "u") == names{"a", "d"});
  CHECK(read_by("  t: { from: rows, drop: [b, d] }\n", "t") == names{"a", "c"});
  CHECK(read_by("  t: { from: rows, rename: { a: x, b: y } }\n  u: { from: t, select: [x] }\n", "u") == names{"a"});
  CHECK(read_by("  t: { from: rows, derive: { e: \"a + b\" } }\n  u: { from: t, select: [c] }\n", "u") ==
        names{"a", "b", "c"});
  CHECK(read_by("  t: { from: rows, aggregate: { by: [a], compute: { n: \"sum(c)\" } } }\n", "t") == names{"a", "c"});
  CHECK(read_by("  t: { from: rows, aggregate: { by: [], compute: { n: \"count(*)\" } } }\n", "t").size() == 1);
  CHECK(read_by("  t: { from: rows, steps: [ { derive: { e: \"b\" } }, { select: [e] } ] }\n", "t") == names{"b"});
  CHECK(read_by("  t: { from: rows, select: [c], on_error: reject }\n", "t").size() == 4);  // for its rejects
}

TEST_CASE("a unit is bound to what the units above it give") {
  const auto made =
      with_transforms("  t: { from: rows, derive: { e: \"a::text\" } }\n  u: { from: t, select: [e, a] }\n", "u");
  INFO(made.shown);
  REQUIRE(made.planned);
  const auto& out = made.planned->units[*made.planned->find("out")];
  CHECK(out.inputs[0].schema->ToString() == "e: string\na: int64");
  CHECK(out.inputs[0].unit == "u");
}

TEST_CASE("faults of expressions point into their text, all of them together") {
  const auto made = with_transforms(
      "  t:\n"
      "    from: rows\n"
      "    derive:\n"
      "      x: \"a + amount\"\n"
      "      y: \"b + 'text'\"\n"
      "  u:\n"
      "    from: rows\n"
      "    filter: \"a\"\n",
      "[t, u]");
  INFO(made.shown);
  CHECK_FALSE(made.planned);
  CHECK(made.has("unknown_column 8:15"));
  CHECK(made.faults.size() >= 3);
  for (const auto& fault : made.faults) CHECK(fault.at.line >= 8);
}

TEST_CASE("units below one with a fault are looked at as well") {
  const auto made =
      with_transforms("  t: { from: rows, filter: \"nothing > 1\" }\n  u: { from: t, select: [whatever] }\n", "u");
  INFO(made.shown);
  REQUIRE(made.faults.size() == 2);
  CHECK(made.has("unknown_column 5:29"));
  CHECK(made.has("unknown_column 6:26"));
}

TEST_CASE("ports are read by name") {
  const std::string route = "  r: { from: rows, route: { big: \"a > 5\", default: rest } }\n";
  CHECK(with_transforms(route, "r").has("missing_port 7:16"));
  CHECK(with_transforms(route, "r.bgi").has("unknown_port 7:18"));
  const auto made =
      plan_text(from_rows + "transform:\n" + route +
                "load:\n  big: { from: r.big, blackhole: {} }\n  rest: { from: r.default, blackhole: {} }\n");
  INFO(made.shown);
  REQUIRE(made.planned);
  CHECK(made.planned->warnings.empty());
  const auto one = with_transforms(route, "r.big");
  REQUIRE(one.planned);
  REQUIRE(one.planned->warnings.size() == 1);
  CHECK(one.planned->warnings[0].code == "unread_port");
}

TEST_CASE("rejects can be read like any other unit") {
  const auto made = plan_text(
      from_rows + "load:\n  out: { from: rows, blackhole: {} }\n  bad: { from: rows.rejects, blackhole: {} }\n");
  INFO(made.shown);
  REQUIRE(made.planned);
  const auto& rows = made.planned->units[0];
  CHECK(rows.rejects_port == 1);
  CHECK(rows.outputs[1].schema->Equals(*rejects_schema()));
  CHECK(made.planned->edges[1].from_port == 1);
}

TEST_CASE("a missing secret is reported where it stands") {
  const auto made = plan_text(
      from_rows +
      "load:\n  out:\n    from: rows\n    sqlite: { path: \"${secret:nowhere}\", table: t }\n    mode: replace\n");
  INFO(made.shown);
  CHECK(made.has("missing_secret 7:21"));
}

TEST_CASE("the example of every component can be planned") {
  REQUIRE(std::filesystem::exists("examples/data"));
  for (const auto* one : components()) {
    INFO(one->spec.name);
    REQUIRE_FALSE(one->spec.example.empty());
    // A source of a server is planned by asking the server; tests/services do so. Here none listens.
    const auto* const connection = connection_of(one->spec.value);
    const bool asks = one->spec.kind == component_kind::source && connection != nullptr && connects_again(*connection);
    auto example = one->spec.example;
    if (asks)
      if (const auto at = example.find("    " + one->spec.name + ": {"); at != std::string::npos)
        example.insert(at, "    retry: { backoff: 1ms }\n");
    const auto made = plan_text(
        example, reading_with({{"KAFKA", "127.0.0.1:1"}, {"PG_URL", "postgresql://postgres@127.0.0.1:1/postgres"}}));
    INFO(made.shown);
    // Nobody knows secrets here: tests/app/examples_test.py runs these examples with one.
    const bool wants_secret = example.find("${secret:") != std::string::npos && !made.faults.empty() &&
                              made.faults[0].code == "missing_secret";
    CHECK(
        (made.planned || wants_secret || (asks && made.faults.size() == 1 && made.faults[0].code == "cannot_connect")));
  }
}

TEST_CASE("a plan of every kind of unit survives its way to another node") {
  const auto made = with_transforms(
      "  t: { from: rows, aggregate: { by: [a], compute: { n: \"sum(c)\" } }, parallelism: 2 }\n  u: { from: [rows, "
      "t], join: { how: left, using: [a] } }\n",
      "u");
  INFO(made.shown);
  REQUIRE(made.planned);
  const auto back = plan_from_bytes(plan_to_bytes(*made.planned));
  REQUIRE(back.ok());
  CHECK(explain(*back) == explain(*made.planned));
  const auto context = planning_context();
  CHECK(make_source(*back, 0, context).ok());
  CHECK(make_transform(*back, *back->find("u"), context).ok());
  CHECK(make_sink(*back, *back->find("out"), context).ok());
  CHECK_FALSE(make_sink(*back, 0, context).ok());
}
