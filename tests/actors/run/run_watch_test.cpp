#include "actors/run/run_watch.hpp"
#include "actors/run/instance_reports.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::actors;

namespace {

constexpr std::int64_t second = 1'000'000;

planned_unit unit(unit_role role, const std::string& name) {
  planned_unit made;
  made.definition.role = role;
  made.definition.name = name;
  return made;
}

/// orders -> slow -> out.
plan three_units(std::int64_t allow = 0) {
  plan made;
  made.definition.rejects.allow = allow;
  made.units = {unit(unit_role::extract, "orders"), unit(unit_role::transform, "slow"), unit(unit_role::load, "out")};
  made.edges.resize(2);
  made.edges[0].to_unit = 1;
  made.edges[1].from_unit = 1;
  made.edges[1].to_unit = 2;
  return made;
}

std::vector<unit_progress> progress(std::int64_t orders_held_back) {
  std::vector<unit_progress> all(3);
  const char* names[] = {"orders", "slow", "out"};
  for (std::size_t at = 0; at < all.size(); ++at) {
    all[at].unit = names[at];
    all[at].state = "running";
  }
  all[0].held_back_ppm = orders_held_back;
  return all;
}

std::vector<std::string> types(const std::vector<store::event>& all) {
  std::vector<std::string> made;
  made.reserve(all.size());
  for (const auto& one : all) made.push_back(one.type);
  return made;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("rejects are told near their limit, and above it, once each") {
  const auto of = three_units(10);
  run_watch watch(of);
  CHECK(types(watch.look({.age = second, .rejected = 7, .read = 100}, {})).empty());
  CHECK(types(watch.look({.age = 2 * second, .rejected = 8, .read = 100}, {})) == texts{"rejects.near"});
  CHECK(types(watch.look({.age = 3 * second, .rejected = 10, .read = 100}, {})).empty());
  const auto told = watch.look({.age = 4 * second, .rejected = 11, .read = 120}, {});
  CHECK(types(told) == texts{"rejects.reached"});
  CHECK(told.front().data["rejected"] == 11);
  CHECK(types(watch.look({.age = 5 * second, .rejected = 20, .read = 120}, {})).empty());
  // Those of a run without end are judged at its checkpoints.
  auto endless = of;
  endless.units[0].endless = true;
  run_watch other(endless);
  CHECK(other.look({.age = second, .rejected = 20, .read = 100}, {}).empty());
}

TEST_CASE("back-pressure is told when it lasts, with the unit that is slower, and when it is over") {
  const auto of = three_units();
  run_watch watch(of);
  CHECK(watch.look({.age = second}, progress(950'000)).empty());
  CHECK(watch.look({.age = 30 * second}, progress(950'000)).empty());
  const auto told = watch.look({.age = 31 * second}, progress(950'000));
  CHECK(types(told) == texts{"backpressure.sustained"});
  CHECK(told.front().unit == "orders");
  CHECK(told.front().data["by"] == "slow");
  CHECK(watch.look({.age = 60 * second}, progress(950'000)).empty());
  CHECK(types(watch.look({.age = 61 * second}, progress(0))) == texts{"backpressure.ended"});
  // A short one between is none.
  CHECK(watch.look({.age = 62 * second}, progress(950'000)).empty());
  CHECK(watch.look({.age = 63 * second}, progress(0)).empty());
}

TEST_CASE("one instance of several that has all the work and is held back is told, however idle the others are") {
  auto of = three_units();
  of.units[0].parallelism = 4;
  instance_reports reports(of);
  run_watch watch(of);
  std::uint64_t held_back = 0;
  std::vector<store::event> told;
  // Reports of the past second; `share` of it the one that has the work waited.
  const auto pass = [&](std::int64_t from, std::int64_t until, double share) {
    for (auto at = from; at < until; ++at) {
      held_back += static_cast<std::uint64_t>(share * second);
      for (std::uint32_t instance = 0; instance < 4; ++instance)
        reports.counted({.who = {.unit = 0, .instance = instance},
                         .counters = {.in = static_cast<std::uint64_t>(instance == 2 ? at + 1 : 0)},
                         .held_back = instance == 2 ? held_back : 0,
                         .starved = instance != 2});
      reports.tick(at * second);
      run_progress shown;
      reports.fill(shown);
      for (auto& one : watch.look({.age = at * second}, shown.units)) told.push_back(std::move(one));
    }
  };
  pass(1, 30, 1);
  CHECK(told.empty());
  pass(30, 60, 1);
  REQUIRE(types(told) == texts{"backpressure.sustained"});
  CHECK(told.front().unit == "orders");
  pass(60, 90, 0);
  CHECK(types(told) == texts{"backpressure.sustained", "backpressure.ended"});
}

TEST_CASE("a checkpoint that takes long is told once") {
  const auto of = three_units();
  run_watch watch(of);
  CHECK(watch.look({.age = second, .checkpoint = 3}, {}).empty());
  CHECK(watch.look({.age = 30 * second, .checkpoint = 3}, {}).empty());
  const auto told = watch.look({.age = 31 * second, .checkpoint = 3}, {});
  CHECK(types(told) == texts{"checkpoint.slow"});
  CHECK(told.front().data["epoch"] == 3);
  CHECK(watch.look({.age = 90 * second, .checkpoint = 3}, {}).empty());
  CHECK(watch.look({.age = 91 * second, .checkpoint = 4}, {}).empty());
}

TEST_CASE("a run is looked at once a second") {
  const auto of = three_units();
  run_watch watch(of);
  CHECK_FALSE(watch.is_due(0));
  CHECK(watch.is_due(second));
  (void)watch.look({.age = second}, {});
  CHECK_FALSE(watch.is_due(second + 1));
  CHECK(watch.is_due(2 * second));
}
