#include "config/not_supported_yet.hpp"
#include "engine/component/component.hpp"
#include "engine/error/not_yet.hpp"
#include "tests/support/planning.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

constexpr const char* rows = "extract: { rows: { generate: { rows: 1, columns: { n: sequence } } } }\n";
constexpr const char* out = "load: { out: { from: rows, blackhole: {} } }\n";

attempt with_head(const std::string& head) { return plan_text(head + rows + out); }
attempt with_source(const std::string& unit) { return plan_text("extract:\n  rows:\n" + unit + out); }
attempt with_sink(const std::string& unit) { return plan_text(rows + std::string("load:\n  out:\n") + unit); }

void check(const attempt& made, const std::string& fault, const std::string& said = {}) {
  INFO(made.shown);
  CHECK_FALSE(made.planned);
  CHECK(made.has(fault));
  CHECK(made.shown.find(said) != std::string::npos);
}

}  // namespace

TEST_CASE("faults of the head name their place") {
  check(with_head("version: 2\n"), "newer_version 1:10", "install a newer version of sluice");
  check(with_head("version: one\n"), "invalid_value 1:10", "whole number");
  check(with_head("pipeline: Daily_Revenue\n"), "invalid_name 1:11", "a-z, 0-9 and -");
  check(with_head("pipelin: x\n"), "unknown_key 1:1", "did you mean `pipeline`?");
  check(with_head("sources: {}\n"), "unknown_key 1:1", "did you mean `extract`?");
  check(with_head("run: { memory: lots }\n"), "invalid_size 1:16");
  check(with_head("run: { timezone: Mars/Olympus_Mons }\n"), "unknown_timezone 1:18", "Europe/Berlin");
  check(with_head("run: { timezone: europe/berlin }\n"), "unknown_timezone 1:18", "did you mean Europe/Berlin?");
  check(with_head("run: { timeout: soon }\n"), "invalid_duration 1:17");
  check(with_head("run: { memry: 1GiB }\n"), "unknown_key 1:8", "did you mean `memory`?");
  check(with_head("rejects: { fail_above: \"120%\" }\n"), "invalid_value 1:24", "fail_above: \"1%\"");
  check(with_head("rejects: { allow: -1 }\n"), "invalid_value 1:19");
  check(with_head("rejects: { per: 0s }\n"), "invalid_value 1:17");
  check(with_head("rejects: 5\n"), "invalid_value 1:10");
  check(with_head("tags: { a: b }\n"), "invalid_value 1:7");
  check(plan_text("pipeline: empty\n"), "missing_key 1:1", "no units");
}

TEST_CASE("faults of params name their place") {
  check(with_head("params: { day: { type: date } }\n"), "missing_param 1:11",
        "--set day=VALUE, or set SLUICE_PARAM_DAY");
  check(with_head("params: { n: { type: bigint, default: ten } }\n"), "invalid_param 1:39",
        "'ten' is not a valid bigint");
  check(with_head("params: { n: { type: bigin, default: 1 } }\n"), "unknown_type 1:22", "bigint");
  check(with_head("params: { n: { typ: bigint, default: 1 } }\n"), "unknown_key 1:16", "did you mean `type`?");
  check(with_head("params: { b: { type: boolean, default: yes } }\n"), "invalid_param 1:40", "write true or false");
  const auto made = plan_text(std::string("params: { day: { type: date, default: 2024-05-01 } }\n") + rows + out,
                              reading_with({}, {{"dya", "2024-05-02"}}));
  CHECK(made.shown.find("unknown_param") != std::string::npos);
  CHECK(made.shown.find("did you mean `day`?") != std::string::npos);
}

TEST_CASE("faults of a unit's form name their place") {
  check(with_source("    generat: { rows: 1 }\n"), "unknown_component 3:5", "did you mean `generate`?");
  check(with_source("    generate: { rows: 1, columns: { n: sequence } }\n    colums: [n]\n"), "unknown_key 4:5",
        "did you mean `columns`?");
  check(with_source("    blackhole: {}\n"), "unknown_component 3:5", "blackhole is a sink, not a source");
  check(with_source("    generate: { rows: 1, columns: { n: sequence }, types: { n: text } }\n"), "unknown_key 3:52",
        "it belongs beside generate");
  check(with_source("    generate: { rows: 1, columns: { n: sequence } }\n    mode: replace\n"), "unknown_key 4:5",
        "mode belongs to a sink");
  check(with_source("    description: nothing\n"), "missing_component 2:3", "generate");
  check(with_source("    generate: { rows: 1, columns: { n: sequence } }\n    on_error: rejct\n"), "invalid_value 4:15",
        "did you mean `reject`?");
  check(with_source("    generate: { rows: 1, columns: { n: sequence } }\n    parallelism: 0\n"), "invalid_value 4:18");
  check(with_source("    generate: { rows: 1, columns: { n: sequence } }\n    place: { nod: n1 }\n"),
        "unknown_key 4:14", "did you mean `node`?");
  check(with_source("    generate: { rows: many, columns: { n: sequence } }\n"), "invalid_value 3:23", "whole number");
  check(with_source("    generate: [1]\n"), "invalid_value 3:15", "generate must be a map, found a list");
  check(with_source("    csv: in.csv\n"), "invalid_value 3:10", "write csv: { path: in.csv }");
  check(with_source("    generate: { rows: 1, columns: { n: sequence } }\n    types: { n: bigin }\n"),
        "unknown_type 4:17");
  check(with_source("    generate: { rows: 1, columns: { n: sequence } }\n    types:\n"), "invalid_value 4:5",
        "no value");
  check(plan_text(std::string("extract: { 2rows: { generate: { rows: 1, columns: { n: sequence } } } }\n")),
        "invalid_name 1:12");
}

TEST_CASE("faults of a sink name their place") {
  check(with_sink("    blackhole: {}\n"), "missing_key 3:3", "needs from");
  check(with_sink("    from: rows\n    blackhole: {}\n    mode: upsert\n"), "invalid_value 6:11");
  check(with_sink("    from: rows\n    blackhole: {}\n    key: [n]\n"), "invalid_value 6:10", "upsert");
  check(with_sink("    from: rows\n    blackhole: {}\n    generate: {}\n"), "unknown_component 6:5",
        "generate is a source, not a sink");
  check(with_sink("    from: rows\n    blackhole: {}\n    parallelism: 2\n"), "not_supported_yet 6:18");
  check(with_sink("    from: {}\n    blackhole: {}\n"), "invalid_value 4:11");
}

TEST_CASE("faults between units name their place") {
  const std::string head = "extract:\n  rows:\n    generate: { rows: 1, columns: { n: sequence } }\n";
  check(plan_text(head + "load:\n  out: { from: row, blackhole: {} }\n"), "unknown_unit 5:16", "did you mean `rows`?");
  check(plan_text(head), "unread_unit 2:3", "add a load with from: rows");
  check(plan_text(head + "load:\n  rows: { from: rows, blackhole: {} }\n"), "duplicate_unit 5:3",
        "the first in line 2");
  check(plan_text(head + "load:\n  a: { from: rows, blackhole: {} }\n  b: { from: a, blackhole: {} }\n"),
        "reads_a_sink 6:14");
  check(plan_text(head + "load:\n  a: { from: rows.late, blackhole: {} }\n"), "unknown_port 5:19",
        "rows has no output late");
  check(plan_text("extract:\n  rows:\n    generate: { rows: 1, columns: { n: sequence } }\n    on_error: fail\n"
                  "load:\n  a: { from: rows, blackhole: {} }\n  b: { from: rows.rejects, blackhole: {} }\n"),
        "no_rejects 7:14", "on_error: reject");
}

TEST_CASE("all faults are reported together, in the order of the file, with line and caret") {
  const auto made = plan_text(
      "version: 1\n"
      "owner: [a]\n"
      "extract:\n"
      "  rows:\n"
      "    generate: { rows: x, columns: { n: sequence } }\n"
      "    sampel: 3\n"
      "load:\n"
      "  out: { from: rows, blackhol: {} }\n");
  INFO(made.shown);
  REQUIRE(made.faults.size() == 4);
  CHECK(made.shown ==
        "error[invalid_value] p.yaml:2:8: owner must be text, found a list\n"
        "  2 | owner: [a]\n"
        "    |        ^\n"
        "error[invalid_value] p.yaml:5:23: unit rows: rows of generate must be a whole number, found 'x'\n"
        "  5 |     generate: { rows: x, columns: { n: sequence } }\n"
        "    |                       ^\n"
        "error[unknown_key] p.yaml:6:5: unit rows: a source's unit has no key sampel\n"
        "  6 |     sampel: 3\n"
        "    |     ^\n"
        "  hint: did you mean `sample`?\n"
        "error[unknown_component] p.yaml:8:22: unit out: there is no sink blackhol\n"
        "  8 |   out: { from: rows, blackhol: {} }\n"
        "    |                      ^\n"
        "  hint: did you mean `blackhole`?\n");
}

TEST_CASE("every form that is not built yet is refused by name") {
  using config::place_of_form;
  for (const auto& form : config::unsupported_forms()) {
    INFO(form.key << ": " << form.example);
    const auto line = form.key + ": " + form.example + "\n";
    attempt made;
    switch (form.place) {
      case place_of_form::pipeline:
        made = with_head(line);
        break;
      case place_of_form::run:
        made = with_head("run: { " + form.key + ": " + form.example + " }\n");
        break;
      case place_of_form::unit:
      case place_of_form::extract:
        made = with_source("    generate: { rows: 1, columns: { n: sequence } }\n    " + line);
        break;
      case place_of_form::load:
        made = with_sink("    from: rows\n    blackhole: {}\n    " + line);
        break;
      case place_of_form::transform:
        FAIL("no form of a transform yet");
        break;
      case place_of_form::option:
        made = with_sink("    from: rows\n    parquet: { path: /nonexistent/x.parquet, " + form.key + ": " +
                         form.example + " }\n");
        break;
    }
    INFO(made.shown);
    CHECK_FALSE(made.planned);
    REQUIRE(made.faults.size() == 1);
    CHECK(made.faults[0].code == "not_supported_yet");
    CHECK(made.faults[0].message.find(form.key) != std::string::npos);
    CHECK(made.faults[0].hint.find("docs/not-yet.md#") != std::string::npos);
    CHECK(made.faults[0].at.line > 0);
  }
}

TEST_CASE("every component that is only planned is refused by name") {
  for (const auto kind : {component_kind::source, component_kind::transform, component_kind::sink})
    for (const auto& name : planned_components(kind)) {
      INFO(name);
      CHECK(find_missing(name) != nullptr);
    }
  for (const auto& name : planned_components(component_kind::source))
    check(with_source("    " + name + ": {}\n"), "not_supported_yet 3:5", name);
  for (const auto& name : planned_components(component_kind::sink))
    check(with_sink("    from: rows\n    " + name + ": {}\n"), "not_supported_yet 5:5", name);
  for (const auto& name : planned_components(component_kind::transform))
    check(plan_text(std::string(rows) + "transform:\n  t:\n    from: rows\n    " + name +
                    ": {}\nload: { out: { from: t, blackhole: {} } }\n"),
          "not_supported_yet 5:5", name);
}

TEST_CASE("faults of reading and of planning are reported together, without those that only follow") {
  const auto made = plan_text(
      "extract:\n  rows: { generate: { rows: 10, columns: { amount: sequence } } }\n"
      "transform:\n  late: { from: rows, filter: \"amont > 5\" }\n  broken: { from: rows, limit: many }\n"
      "load:\n  one: { from: late, blackhole: {} }\n  two: { from: broken, blackhole: {} }\n");
  CHECK_FALSE(made.planned);
  CHECK(made.faults.size() == 2);
  CHECK(made.shown.find("unknown_column] p.yaml:4:32") != std::string::npos);
  CHECK(made.shown.find("invalid_value] p.yaml:5:32") != std::string::npos);
}

namespace {

/// "code line:column", in the order of the file.
std::vector<std::string> places(const attempt& made) {
  std::vector<std::string> found;
  for (const auto& fault : made.faults)
    found.push_back(fault.code + " " + std::to_string(fault.at.line) + ":" + std::to_string(fault.at.column));
  return found;
}

using list = std::vector<std::string>;

const std::string three_columns =
    "extract:\n  rows: { generate: { rows: 1, columns: { n: sequence, m: sequence, t: { choice: [a, b] } } } "
    "}\ntransform:\n";

}  // namespace

TEST_CASE("units below a faulty one, its other steps and the sinks are looked at in the same go") {
  const auto made =
      plan_text(three_columns +
                "  a: { from: rows, filter: \"nn > 1\" }\n"
                "  b: { from: a, steps: [ { derive: { x: \"uper(t)\" } }, { filter: \"mm > x\" }, { limit: 1 } ] }\n"
                "  c: { from: b, aggregate: { by: [tt], compute: { s: \"sum(mm)\", k: \"count(x)\" } } }\n"
                "load:\n  out: { from: c, csv: { path: /tmp/x.csv, separator: \"\" } }\n");
  INFO(made.shown);
  CHECK(places(made) == list{"unknown_column 4:29", "unknown_function 5:42", "unknown_column 5:67",
                             "unknown_column 6:35", "unknown_column 6:59", "invalid_option 8:55"});
}

TEST_CASE("nothing is said of what only follows from a fault above") {
  const std::string below =
      "  b: { from: a, derive: { y: \"x + 1\", z: \"upper(y)\" } }\n"
      "  c: { from: b, sort: [\"y desc\"] }\n"
      "  d: { from: c, deduplicate: { by: [x], order: [y] } }\n"
      "  e: { from: d, cast: { y: bigint } }\n"
      "  f: { from: e, rename: { x: w } }\n"
      "  g: { from: f, drop: [z] }\n"
      "  h: { from: g, select: [w, { v: \"y + 1\" }] }\n"
      "  i: { from: [h, h2], join: { using: [w] } }\n"
      "  h2: { from: f, select: [w, { u: \"w + 1\" }] }\n"
      "  j: { from: [i, i], union: {} }\n"
      "  k: { from: j, route: { big: \"v > 1\", default: rest } }\n"
      "  l: { from: k.big, aggregate: { by: [w], compute: { s: \"sum(v)\", t: \"max(u) + 1\" } } }\n"
      "load:\n  one: { from: l, sqlite: { path: /tmp/x.db, table: t }, mode: upsert, key: [w] }\n"
      "  two: { from: k.default, parquet: { path: /tmp/x.parquet } }\n";
  // A type that is not known, a column that may be any, and a unit of which nothing is known.
  for (const auto& [unit, place] : std::vector<std::pair<std::string, std::string>>{
           {"  a: { from: rows, derive: { x: \"nn + 1\" } }\n", "unknown_column 4:34"},
           {"  a: { from: rows, derive: [x] }\n", "invalid_value 4:28"},
           {"  a: { from: row, derive: { x: \"n\" } }\n", "unknown_unit 4:14"},
           {"  a: { from: [rows, rows], derive: { x: \"n\" } }\n", "wrong_number_of_inputs 4:8"},
           {"  a: { from: rows, steps: [ { derive: { x: } } ] }\n", "invalid_value 4:41"},
           {"  a: { from: rows, steps: [ { derve: { x: \"n\" } } ] }\n", "unknown_component 4:31"},
           {"  a: { from: rows, select: [n, nn] }\n", "unknown_column 4:32"}}) {
    const auto made = plan_text(three_columns + unit + below);
    INFO(unit << made.shown);
    CHECK(places(made) == list{place});
  }
}

TEST_CASE("a param without a value and a type with a fault hide no other fault") {
  const auto made = plan_text(
      "params: { day: { type: date }, n: { type: bigint, default: one } }\n"
      "extract:\n  rows:\n    csv: { path: examples/data/airports.csv }\n"
      "    types: { alt: bigin, lat: double }\n"
      "transform:\n"
      "  t: { from: rows, filter: \"alt > $n and lat = $dya and alt::date = $day and c\" }\n"
      "load:\n"
      "  out: { from: t, csv: { path: \"${day}/out.csv\", seperator: \";\" } }\n");
  INFO(made.shown);
  CHECK(places(made) == list{"missing_param 1:11", "invalid_param 1:60", "unknown_type 5:19", "unknown_param 7:48",
                             "unknown_column 7:78", "unknown_key 9:50"});
}

TEST_CASE("units in a section whose name is wrong are not missed elsewhere") {
  const auto made = plan_text(std::string(rows) +
                              "tranform:\n  t: { from: rows, filter: \"n > 1\" }\n"
                              "load:\n  out: { from: t, blackhole: {} }\n");
  INFO(made.shown);
  CHECK(places(made) == list{"unknown_key 2:1"});
  const auto lists = plan_text("extract:\n  - name: a\nload:\n  - from: a\n");
  INFO(lists.shown);
  CHECK(places(lists) == list{"invalid_value 2:3", "invalid_value 4:3"});
}

TEST_CASE("a quote that is not closed is shown where it opens") {
  const auto made = plan_text("version: 1\nextract:\n  rows:\n    csv: { path: \"orders.csv }\n" + std::string(out));
  check(made, "invalid_yaml 4:18", "this quote is not closed");
  check(plan_text("owner: 'it''s me\nextract: {}\nload: { out: { from: 'a', blackhole: {} } }\n"), "invalid_yaml 1:8",
        "this quote is not closed");
}
