#include "config/load.hpp"
#include "config/fragments.hpp"
#include "tests/support/planning.hpp"

#include <arrow/scalar.h>
#include <arrow/type.h>

#include <catch2/catch.hpp>

#include <algorithm>

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
rejects: { allow: 100, fail_above: "1%", per: 5m }
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
  CHECK(p.rejects.per_microseconds == 300'000'000);
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

namespace {

/// Parses p.yaml in the folder `at` with these files beside it.
std::shared_ptr<config::document> parse_with(const std::map<std::string, std::string>& files, diagnostics& faults,
                                             const std::string& at = "at") {
  const auto read = [&](const std::string& path) -> result<std::string> {
    const auto found = files.find(path);
    if (found != files.end()) return found->second;
    return user_error("file_not_found", "cannot read " + path);
  };
  return config::parse_pipeline(files.at(at + "/p.yaml"), at + "/p.yaml", read, faults);
}

const std::string reports = R"(version: 1
pipeline: p
include: [shared/shop.yaml, shared/mail.yaml]
params:
  day: { type: date, default: 2024-05-01 }
load:
  out: { from: paid, blackhole: {} }
)";
const std::string shop = R"(version: 1
include: deep/source.yaml
transform:
  paid: { from: orders, filter: "id > 1 and ${limit} > 0" }
tags: [shop]
)";
const std::string goods = R"(params: { limit: { type: bigint, default: 7 } }
extract:
  orders: { generate: { rows: 10, columns: { id: sequence } } }
)";
const std::string mail = "include: ../shared/deep/../deep/source.yaml\ntags: [mail]\n";

}  // namespace

TEST_CASE("the sections of included files become those of the pipeline, and the whole text can travel") {
  diagnostics faults;
  const auto whole = parse_with({{"at/p.yaml", reports},
                                 {"at/shared/shop.yaml", shop},
                                 {"at/shared/mail.yaml", mail},
                                 {"at/shared/deep/source.yaml", goods}},
                                faults);
  REQUIRE(faults.empty());
  CHECK(whole->added() ==
        std::vector<std::string>{"at/shared/shop.yaml", "at/shared/deep/source.yaml", "at/shared/mail.yaml"});
  // Read where the files are not, under another name.
  for (const std::string name : {"at/p.yaml", "elsewhere/p.yaml"}) {
    std::shared_ptr<const config::document> document;
    const auto loaded = config::load_pipeline_text(whole->text(), name, reading_with(), faults, &document);
    INFO(config::render(faults, document.get()));
    REQUIRE(loaded);
    REQUIRE(faults.empty());
    const auto& made = loaded->definition;
    REQUIRE(made.units.size() == 3);
    CHECK(made.units[0].name == "orders");
    CHECK(made.units[1].own == "id > 1 and 7 > 0");
    CHECK(made.tags == std::vector<std::string>{"shop", "mail"});
    CHECK(made.params.at("limit")->ToString() == "7");
    CHECK(made.text == whole->text());
  }
}

TEST_CASE("faults of included files name the file and line that they are in") {
  auto text = std::string(reports) + "\n--- # file: shared/shop.yaml\n" + shop +
              "--- # file: shared/deep/source.yaml\n" + goods + "rejects: { alow: 1 }\n" +
              "--- # file: shared/mail.yaml\n" + mail + "\nextract:\n  orders: { csv: { path: x.csv } }\n";
  const auto made = read_text(text);
  INFO(made.shown);
  REQUIRE(made.faults.size() == 2);
  CHECK(made.shown.find("error[unknown_key] shared/deep/source.yaml:4:12:") != std::string::npos);
  CHECK(made.shown.find("  4 | rejects: { alow: 1 }") != std::string::npos);
  CHECK(made.shown.find("error[duplicate_key] shared/mail.yaml:5:3: the key orders appears twice, first in "
                        "shared/deep/source.yaml:3") != std::string::npos);
}

TEST_CASE("what can't be included is refused where it is named") {
  const auto refused = [](const std::string& included, const std::string& fragment = "tags: [a]\n") {
    diagnostics faults;
    const auto made =
        parse_with({{"at/p.yaml", "pipeline: p\ninclude: " + included + "\n"}, {"at/a.yaml", fragment}}, faults);
    REQUIRE(faults.size() == 1);
    return config::render(faults, made.get());
  };
  CHECK_THAT(refused("b.yaml"), Catch::StartsWith("error[include_not_found] at/p.yaml:2:10: cannot read at/b.yaml\n"));
  CHECK_THAT(refused("[a.yaml, { b: c }]"), Catch::StartsWith("error[invalid_value] at/p.yaml:2:19:"));
  CHECK_THAT(refused("\"${x}.yaml\""), Catch::StartsWith("error[invalid_substitution] at/p.yaml:2:10:"));
  CHECK_THAT(refused("p.yaml"), Catch::StartsWith("error[include_cycle] at/p.yaml:2:10: files include each other in a "
                                                  "circle: p.yaml includes p.yaml\n"));
  CHECK_THAT(refused("a.yaml", "tags: [a]\ninclude: p.yaml\n"),
             Catch::StartsWith("error[include_cycle] at/a.yaml:2:10: files include each other in a circle: p.yaml "
                               "includes a.yaml includes p.yaml\n"));
  CHECK_THAT(refused("a.yaml", "schedule: { every: 1h }\n"), Catch::StartsWith("error[unknown_key] at/a.yaml:1:1:"));
  CHECK_THAT(refused("a.yaml", "tags: [a\n"), Catch::StartsWith("error[invalid_yaml] at/a.yaml:"));
  CHECK_THAT(refused("a.yaml", "- a\n"), Catch::StartsWith("error[invalid_yaml] at/a.yaml:1:1:"));
  // A node has the text and nothing else.
  diagnostics faults;
  CHECK(config::load_pipeline_text("include: /etc/hostname\n", "p.yaml", reading_with(), faults));
  CHECK(std::any_of(faults.begin(), faults.end(), [](const auto& one) { return one.code == "include_not_found"; }));
}
