#include "engine/plan/plan.hpp"

#include <arrow/scalar.h>
#include <arrow/type.h>

#include <catch2/catch.hpp>

#include <random>

using namespace sluice;

namespace {

/// A plan that has something in every field.
plan sample() {
  plan made;
  made.definition.name = "p";
  made.definition.owner = "me";
  made.definition.tags = {"a", "b"};
  made.definition.params["day"] = std::make_shared<arrow::Date32Scalar>(19844);
  made.definition.params["rate"] =
      std::make_shared<arrow::Decimal128Scalar>(arrow::Decimal128(1250), arrow::decimal128(6, 2));
  made.definition.memory_bytes = 1 << 20;
  made.definition.timezone = "Europe/Berlin";
  made.definition.rejects = {.allow = 5, .fail_above = 0.01};
  made.definition.text = "pipeline: p\n";
  const auto schema = arrow::schema({arrow::field("id", arrow::int64(), false),
                                     arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                                     arrow::field("tags", arrow::list(arrow::utf8()))});
  planned_unit from;
  from.definition.role = unit_role::extract;
  from.definition.name = "orders";
  from.definition.component = "csv";
  from.definition.own = {{"path", "in.csv"}, {"header", true}, {"skip", 3}};
  from.definition.types = {{"zip", "text"}};
  from.definition.place.labels = {{"zone", "dmz"}};
  from.definition.sample = 100;
  from.outputs = {{"", schema, event_time{.column = "at"}}, {"rejects", rejects_schema()}};
  from.rejects_port = 1;
  from.read_ports = {"late"};
  from.parallelism = 2;
  from.policy = on_error::reject;
  from.want_positions = true;
  from.resolved = schema;
  from.needed = {"id"};
  from.definition.incremental = {.by = incremental_rule::way::file, .column = "", .read_changed = true};
  from.definition.contract = column_contract::quarantine;
  from.definition.time = {.column = "at", .out_of_order = 30'000'000, .idle = 60'000'000};
  from.reading.files =
      std::make_shared<const chosen_files>(std::vector<chosen_file>{{"a.csv", 12, 30}, {"b.csv", 0, -1}});
  from.reading.groups = {{.columns = {"id"}, .refused = ""},
                         {.columns = {"id", "at"}, .refused = "new columns: x", .own = schema}};
  from.reading.group_of = {0, 1};
  from.reading.mark = watermark{.column = "id", .type = "bigint", .value = "7", .rows = 3};
  planned_unit to;
  to.definition.role = unit_role::load;
  to.definition.name = "out";
  to.definition.mode = "upsert";
  to.definition.key = {"id"};
  to.inputs = {{"orders", schema, event_time{.column = "at", .is_end = true}}};
  made.definition.units = {from.definition, to.definition};
  made.units = {from, to};
  made.edges = {{.from_unit = 0,
                 .to_unit = 1,
                 .kind = edge_kind::hash,
                 .keys = {"id"},
                 .key_types = {arrow::int64()},
                 .ordered = true,
                 .timed = true}};
  made.warnings.push_back(user_error("not_parallel", "a warning"));
  return made;
}

}  // namespace

TEST_CASE("a plan survives its way to another node") {
  const auto bytes = plan_to_bytes(sample());
  const auto back = plan_from_bytes(bytes);
  REQUIRE(back.ok());
  CHECK(plan_to_bytes(*back) == bytes);
  CHECK(explain(*back) == explain(sample()));
  CHECK(back->units[0].definition.time.idle == 60'000'000);
  CHECK(back->units[0].outputs[0].time == event_time{.column = "at"});
  CHECK(back->units[1].inputs[0].time == event_time{.column = "at", .is_end = true});
  CHECK(back->edges[0].timed);
  CHECK(back->definition.params.at("day")->ToString() == "2024-05-01");
  CHECK(back->definition.params.at("rate")->Equals(*sample().definition.params.at("rate")));
  const auto& unit = back->units[0];
  REQUIRE(unit.reading.files);
  REQUIRE(unit.reading.files->find("a.csv") != nullptr);
  CHECK(unit.reading.files->find("a.csv")->begin == 12);
  CHECK(unit.reading.files->find("a.csv")->size == 30);
  CHECK(unit.reading.groups[1].refused == "new columns: x");
  CHECK(unit.reading.mark->value == "7");
  CHECK(unit.definition.incremental.read_changed);
  CHECK(unit.definition.contract == column_contract::quarantine);
  CHECK(unit.definition.own.dump() == R"({"path":"in.csv","header":true,"skip":3})");  // the file's order
  CHECK(unit.outputs[0].schema->Equals(*sample().units[0].outputs[0].schema));
  CHECK(unit.rejects_port == 1);
  CHECK(unit.policy == on_error::reject);
  CHECK(back->edges[0].kind == edge_kind::hash);
  CHECK(back->edges[0].key_types[0]->Equals(*arrow::int64()));
  CHECK(back->edges_into(1) == std::vector<int>{0});
}

TEST_CASE("foreign bytes are no plan") {
  CHECK_FALSE(plan_from_bytes("").ok());
  CHECK_FALSE(plan_from_bytes("hello").ok());
  CHECK_FALSE(plan_from_bytes(std::string(5'000'000, '\x91')).ok());          // nested a million deep
  CHECK_FALSE(plan_from_bytes(std::string("\xdd\xff\xff\xff\xff", 5)).ok());  // claims four billion elements
  CHECK_FALSE(plan_from_bytes(std::string("\xc6\xff\xff\xff\xff", 5)).ok());
  const auto problem = plan_from_bytes("\x80").problem();
  CHECK(problem.code == "invalid_plan");
  CHECK_FALSE(problem.hint.empty());
}

TEST_CASE("damaged plans are refused or read, never a crash") {
  const auto bytes = plan_to_bytes(sample());
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    auto damaged = bytes;
    for (int change = 0; change < 1 + round % 4; ++change) {
      const auto at = random() % damaged.size();
      if (random() % 3 == 0)
        damaged.erase(at, random() % 9);
      else
        damaged[at] = static_cast<char>(random());
    }
    const auto back = plan_from_bytes(damaged);
    if (back.ok()) CHECK_FALSE(explain(*back).empty());
  }
}
