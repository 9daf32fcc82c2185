#include "tests/support/components.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>

#include <chrono>

using namespace sluice;
using namespace sluice::test;

namespace {

const component& blackhole() { return *find_component(component_kind::sink, "blackhole"); }

sink_request request(const char* own) {
  sink_request made;
  made.own = options::parse(own);
  return made;
}

}  // namespace

TEST_CASE("a black hole counts what it swallows") {
  const auto table = make_table({{"id", "bigint", "[1, 2, 3]"}});
  const auto report = write_all(blackhole(), request("{}"), {table, table, table->Slice(0, 0)});
  REQUIRE(report.ok());
  CHECK(report->loaded == 6);
}

TEST_CASE("a slow black hole holds its writer up") {
  const auto table = make_table({{"id", "bigint", "[1, 2, 3, 4]"}});
  const auto begun = std::chrono::steady_clock::now();
  REQUIRE(write_all(blackhole(), request(R"({"rate": 200})"), {table}).ok());
  REQUIRE(write_all(blackhole(), request(R"({"delay": "10ms"})"), {table}).ok());
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(30));
}

TEST_CASE("a black hole refuses speeds that make no sense") {
  CHECK(faults_of(blackhole(), request(R"({"rate": 0, "delay": "soon"})")).size() == 2);
}
