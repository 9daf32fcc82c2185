#include "config/load.hpp"
#include "tests/support/planning.hpp"

#include <arrow/scalar.h>
#include <arrow/type.h>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::testing;

TEST_CASE("a whole pipeline is read with its defaults") {
  const auto made = read_text(R"(version: 1
pipeline: numbers
owner: data@shop.example
tags: [finance, daily]
params:
  day: { type: date, default: 2024-05-01 }
  rows: { type: bigint, default: 10 }
run: { memory: 512MiB, timezone: Europe/Berlin, timeout: 2h }
defaults: { parallelism: 4, on_error: reject, place: { labels: { zone: dmz } } }
extract:
  rows:
    generate: { rows: 1000, columns: { n: sequence } }
    parallelism: 2
    order: any
load:
  nothing:
    from: rows
    blackhole:
    place: { node: n1 }
rejects: { allow: 100, fail_above: "1%" }
)");
  INFO(made.shown);
  REQUIRE(made.read);
  const auto& p = *made.read;
  CHECK(p.name == "numbers");
  CHECK(p.owner == "data@shop.example");
  CHECK(p.tags == std::vector<std::string>{"finance", "daily"});
  CHECK(p.memory_bytes == 512 * 1024 * 1024);
  CHECK(p.timezone == "Europe/Berlin");
  CHECK(p.timeout_microseconds == 7'200'000'000);
  CHECK(p.rejects.allow == 100);
  CHECK(p.rejects.fail_above == 0.01);
  CHECK(p.params.at("day")->type->ToString() == "date32[day]");
  CHECK(p.params.at("rows")->ToString() == "10");
  REQUIRE(p.units.size() == 2);
  CHECK(p.units[0].component == "generate");
  CHECK(p.units[0].own["rows"] == 1000);
  CHECK(p.units[0].parallelism == 2);
  CHECK(p.units[0].any_order);
  CHECK(p.units[0].policy == on_error::reject);
  CHECK(p.units[0].place.labels.at("zone") == "dmz");
  CHECK(p.units[1].from == std::vector<std::string>{"rows"});
  CHECK_FALSE(p.units[1].parallelism);  // a default is for those that can run in parallel
  CHECK(p.units[1].place.node == "n1");
  CHECK(p.units[1].place.labels.empty());
}

TEST_CASE("params come from --set, then the environment, then the default") {
  const std::string text = R"(pipeline: p
params:
  a: { type: bigint, default: 1 }
  b: { type: text, default: none }
  c: decimal(6,2)
extract: { rows: { generate: { rows: 1, columns: { n: sequence } } } }
load: { out: { from: rows, blackhole: {} } }
)";
  const auto made = read_text(text, reading_with({{"SLUICE_PARAM_A", "2"}, {"SLUICE_PARAM_C", "1.5"}}, {{"a", "3"}}));
  INFO(made.shown);
  REQUIRE(made.read);
  CHECK(made.read->params.at("a")->ToString() == "3");
  CHECK(made.read->params.at("b")->ToString() == "none");
  CHECK(made.read->params.at("c")->ToString() == "1.50");
}

TEST_CASE("a pipeline without a name is named after its file") {
  diagnostics faults;
  const auto loaded = config::load_pipeline_text(
      "extract: { r: { generate: { rows: 1, columns: { n: sequence } } } }\nload: { o: { from: r, blackhole: } }\n",
      "some/Daily Numbers.yaml", reading_with(), faults);
  REQUIRE(loaded);
  CHECK(loaded->definition.name == "daily-numbers");
}

TEST_CASE("a missing file and a folder are refused with a hint") {
  diagnostics faults;
  CHECK_FALSE(config::load_pipeline("/nonexistent/p.yaml", reading_with(), faults));
  CHECK_FALSE(config::load_pipeline("/tmp", reading_with(), faults));
  REQUIRE(faults.size() == 2);
  CHECK(faults[0].code == "file_not_found");
  CHECK(faults[0].message.find("/nonexistent/p.yaml") != std::string::npos);
  CHECK(faults[1].code == "is_a_folder");
}
