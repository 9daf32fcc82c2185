#include "app/run_report.hpp"

#include <catch2/catch.hpp>

namespace sluice::app {

namespace {

options unit(const char* name, const char* role, std::uint64_t in, std::uint64_t out) {
  return {{"unit", name}, {"role", role}, {"in", in}, {"out", out}};
}

/// orders (10 read, 1 rejected) -> paid (filters 2) -> two sinks.
report_facts orders() {
  auto source = unit("orders", "extract", 10, 9);
  source["rejected"] = 1;
  auto paid = unit("paid", "transform", 9, 7);
  paid["filtered"] = 2;
  auto lake = unit("lake", "load", 7, 7);
  lake["target"] = "out/paid.parquet";
  lake["bytes"] = 2048;
  return {.run = "0190a3f2-1b2c-7abc-8def-001122334455",
          .pipeline = "starter",
          .state = "succeeded",
          .cause = {},
          .summary = {{"balanced", true},
                      {"rejected", 1},
                      {"duration_microseconds", 1'840'000},
                      {"rejects_path", "/state/rejects.ndjson"},
                      {"units", options::array({source, paid, lake, unit("report", "load", 7, 7)})}},
          .peak_memory = 222'298'112};
}

}  // namespace

TEST_CASE("the balance names every term that is not zero", "[report]") {
  CHECK(balance_text(orders().summary) == "10 read + 7 copied = 14 loaded + 2 filtered + 1 rejected");
}

TEST_CASE("the report says how a run ended and where everything lies", "[report]") {
  const auto text = run_report(orders(), 100, false, true);
  CHECK(text.find("succeeded  starter  in 1.8 s, peak memory 212 MiB  run 0190a3f2-") == 0);
  CHECK(text.find("orders  10      0    9         0       0         1") != std::string::npos);
  CHECK(text.find("balance  10 read + 7 copied = 14 loaded + 2 filtered + 1 rejected  ok") != std::string::npos);
  CHECK(text.find("loaded   out/paid.parquet  7 rows, 2.0 KiB") != std::string::npos);
  CHECK(text.find("rejects  1 record, to see them: sluice rejects starter\n         /state/rejects.ndjson\n") !=
        std::string::npos);
}

TEST_CASE("a narrow report leaves out counters that are zero everywhere", "[report]") {
  const auto text = run_report(orders(), 44, false, true);
  CHECK(text.find("unit    in  out  filtered  rejected\n") != std::string::npos);
}

TEST_CASE("a narrow report breaks its lines itself", "[report]") {
  const auto text = run_report(orders(), 60, false, true);
  CHECK(text.find("run 0190a3f2-1b2c-7abc\n") != std::string::npos);
  CHECK(text.find("balance  10 read + 7 copied\n         = 14 loaded + 2 filtered + 1 rejected  ok\n") !=
        std::string::npos);
}

TEST_CASE("the report of a failure shows its cause and claims no balance", "[report]") {
  auto facts = orders();
  facts.state = "failed";
  facts.cause = {{"code", "disk_full"}, {"where", "unit lake"}, {"message", "cannot write"}, {"hint", "make room"}};
  const auto text = run_report(facts, 100, false, true);
  CHECK(text.find("error[disk_full] unit lake: cannot write\n  hint: make room") != std::string::npos);
  CHECK(text.find("balance") == std::string::npos);
  CHECK(text.find("loaded   ") == std::string::npos);
}

TEST_CASE("a run that broke off without a summary is reported as well", "[report]") {
  const auto text =
      run_report({.run = "r", .pipeline = "p", .state = "failed", .cause = {}, .summary = {}}, 80, false, true);
  CHECK(text == "failed  p  run r\n");
}

}  // namespace sluice::app
