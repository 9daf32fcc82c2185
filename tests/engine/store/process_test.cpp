#include "engine/store/process.hpp"
#include "engine/store/lease_keeper.hpp"
#include "tests/support/patience.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

namespace sluice::store {

namespace {

/// A lease of this process as it is, renewed at second 100.
lease own() { return {.holder = this_process("n1"), .beat = 100'000'000, .uptime = 100'000'000}; }

observer at(std::int64_t seconds) {
  auto by = observe();
  by.now = by.uptime = seconds * 1'000'000;
  return by;
}

}  // namespace

TEST_CASE("a process lives as long as its lease holds", "[store]") {
  CHECK(is_alive(own(), at(101)));
  CHECK(is_alive(own(), at(114)));
  CHECK_FALSE(is_alive(own(), at(115)));
}

TEST_CASE("a missing process is dead at once, but only to those who share its pids", "[store]") {
  auto gone = own();
  gone.holder.pid_started -= 1;
  CHECK_FALSE(is_alive(gone, at(101)));
  for (auto change : {+[](observer& by) { by.pid_namespace = "pid:[7]"; }, +[](observer& by) { by.pid_namespace = ""; },
                      +[](observer& by) { by.boot = "another"; }, +[](observer& by) { by.boot = ""; }}) {
    auto elsewhere = at(101);
    change(elsewhere);
    CHECK(is_alive(gone, elsewhere));
    elsewhere.now = elsewhere.uptime = 115'000'000;
    CHECK_FALSE(is_alive(gone, elsewhere));
  }
}

TEST_CASE("clocks of one machine that are set end no lease", "[store]") {
  auto by = at(101);
  by.now = 5'000'000'000;
  CHECK(is_alive(own(), by));
  by.boot = "another";
  CHECK_FALSE(is_alive(own(), by));
}

TEST_CASE("who had to wait for the Store concludes nothing from the silence of others", "[store]") {
  auto by = at(200);
  by.prompt = false;
  CHECK(is_alive(own(), by));
}

TEST_CASE("a process keeps its lease without being asked", "[store]") {
  const test::temporary_folder folder;
  const auto kept = open_sqlite(folder.file("sluice.db")).value();
  const lease_keeper keeper(kept, "n1");
  REQUIRE(kept->create_run({.id = "a", .pipeline = "p"}, {}).value());
  CHECK_FALSE(keeper.missed());
  CHECK(kept->beat().value());
  CHECK(kept->find_run("a").value().alive);
}

}  // namespace sluice::store
