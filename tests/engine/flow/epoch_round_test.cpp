#include "engine/flow/epoch_round.hpp"

#include "engine/flow/split_assignment.hpp"
#include "engine/flow/state_file.hpp"
#include "tests/support/collector.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace sluice;
using namespace sluice::flow;
using namespace sluice::testing;

namespace {

constexpr instance_id enumerator = {0, instance_id::enumerator};
constexpr instance_id first_reader = {0, 0};
constexpr instance_id second_reader = {0, 1};
constexpr instance_id sink = {1, 0};

/// a (2 readers) -> b.
plan small_plan() {
  plan made;
  made.units.resize(2);
  made.units[0].definition.name = "a";
  made.units[0].definition.role = unit_role::extract;
  made.units[0].parallelism = 2;
  made.units[1].definition.name = "b";
  made.units[1].definition.role = unit_role::load;
  made.edges.resize(1);
  made.edges[0].to_unit = 1;
  return made;
}

contribution of_reader(const instance_id& who, std::vector<split_state> splits) {
  contribution made;
  made.what.report.who = who;
  made.what.splits = std::move(splits);
  return made;
}

contribution of_sink(const std::string& token) {
  contribution made;
  made.what.report.who = sink;
  made.prepared = store::prepared_sink{.unit = "b", .token = token};
  return made;
}

std::vector<std::string> tokens(const epoch_round::collected& of) {
  std::vector<std::string> all;
  for (const auto& [who, one] : of.prepared) all.push_back(one.token);
  return all;
}

}  // namespace

TEST_CASE("an epoch is complete when all have passed its barrier") {
  const auto what = small_plan();
  epoch_round round(what, nullptr, 0);
  CHECK(round.begin() == std::vector{enumerator});
  CHECK(round.under_way() == 1);
  CHECK(round.ready(enumerator, 1) == std::vector{first_reader, second_reader});
  CHECK(round.ready(enumerator, 1).empty());
  CHECK(round.prepared(1, of_reader(first_reader, {{.split = 0, .position = "p"}})).empty());
  CHECK_FALSE(round.complete());
  // With the last reader the enumerator may go on, while the sink still works.
  CHECK(round.prepared(1, of_reader(second_reader, {{.split = 1, .ended = true}})) == std::vector{enumerator});
  CHECK_FALSE(round.complete());
  (void)round.prepared(1, of_sink("one"));
  REQUIRE(round.complete());
  const auto taken = round.take();
  CHECK(taken.epoch == 1);
  CHECK(tokens(taken) == std::vector<std::string>{"one"});
  CHECK(taken.snapshot.sources.at("a").at(0).position == "p");
  CHECK(taken.snapshot.sources.at("a").at(1).ended);
  CHECK(taken.snapshot.instances.size() == 3);
}

TEST_CASE("what an instance does at its end belongs to the epoch that is complete next") {
  const auto what = small_plan();
  epoch_round round(what, nullptr, 0);
  (void)round.begin();
  (void)round.ready(enumerator, 1);
  // One ends before its barrier, the other one behind it.
  (void)round.finished(of_reader(first_reader, {{.split = 0, .ended = true}}));
  (void)round.prepared(1, of_reader(second_reader, {{.split = 1, .position = "half"}}));
  (void)round.finished(of_reader(second_reader, {{.split = 1, .ended = true}}));
  (void)round.prepared(1, of_sink("one"));
  (void)round.finished(of_sink("two"));
  REQUIRE(round.complete());
  const auto one = round.take();
  CHECK(one.snapshot.sources.at("a").at(0).ended);
  CHECK(one.snapshot.sources.at("a").at(1).position == "half");
  CHECK(tokens(one) == std::vector<std::string>{"one"});
  const auto two = round.take();
  CHECK(two.epoch == 2);
  CHECK(two.snapshot.sources.at("a").at(1).ended);
  CHECK(tokens(two) == std::vector<std::string>{"two"});
  CHECK(tokens(round.take()).empty());
}

TEST_CASE("an enumerator that is ready when its readers have passed the barrier already may go on") {
  const auto what = small_plan();
  epoch_round round(what, nullptr, 3);
  (void)round.begin();
  // A supervisor that has taken the run over hears of them once more.
  CHECK(round.prepared(4, of_reader(first_reader, {})).empty());
  CHECK(round.prepared(4, of_reader(second_reader, {})).empty());
  CHECK(round.ready(enumerator, 4).empty());
  CHECK(round.passed(enumerator.unit) == std::vector{enumerator});
  CHECK(round.passed(enumerator.unit).empty());
}

TEST_CASE("late words of an earlier epoch count for nothing") {
  const auto what = small_plan();
  epoch_round round(what, nullptr, 6);
  (void)round.begin();
  CHECK(round.under_way() == 7);
  CHECK(round.ready(enumerator, 6).empty());
  CHECK(round.prepared(6, of_sink("old")).empty());
  CHECK_FALSE(round.complete());
}

TEST_CASE("a snapshot reads back as it was written") {
  run_snapshot what;
  instance_snapshot one;
  one.report.who = {3, 1};
  one.report.counters = {.in = 7, .out = 5, .rejected = 2};
  one.report.port_rows = {5, 2};
  one.report.sent = {{{0, 1, 0}, 5, 1}};
  one.report.received = {{{1, 0, 1}, 7, 0}};
  one.held = 3;
  one.streams = std::string("u\0\xff", 3);
  one.state = {"4/sums-1.state", 100, "abc"};
  what.instances = {one};
  for (std::uint32_t id = 0; id < 5; ++id) what.sources["a"][id] = {.split = id, .ended = true};
  what.sources["a"][7] = {.split = 7, .position = std::string("\0\x80", 2), .sequence = 1ULL << 40U};
  what.inputs["a"] = "17";
  what.rejects_rows = 2;
  what.rejects_bytes = 99;
  what.recent_rejects = {{.time = 5, .rejected = 1, .read = 10}, {.time = 9, .rejected = 2, .read = 20}};
  const auto text = to_json(what).dump();
  const auto back = snapshot_from(options::parse(text)).value();
  CHECK(to_json(back).dump() == text);
  REQUIRE(back.instances.size() == 1);
  CHECK(back.instances.front().streams == one.streams);
  CHECK(back.instances.front().state == one.state);
  CHECK(back.sources == what.sources);
  CHECK(back.inputs == what.inputs);
  CHECK(back.rejects_bytes == 99);
  CHECK(back.recent_rejects == what.recent_rejects);
  CHECK(back.instances.front().report.counters == one.report.counters);
  CHECK(snapshot_from(options::parse("{}")).problem().code == "foreign_state");
}

TEST_CASE("splits that were read are not handed out again, and one that was begun goes on") {
  std::vector<split> all;
  for (std::uint32_t id = 0; id < 4; ++id) all.push_back({id, "file", 0, 10, 10});
  auto assignment = split_assignment::make(all, {.readers = 2}).value();
  must(assignment.go_on({{0, {.split = 0, .ended = true}}, {1, {.split = 1, .position = "half", .sequence = 9}}}));
  const auto first = assignment.next(0);
  CHECK(first.piece->id == 1);
  CHECK(first.from.position == "half");
  CHECK(first.from.sequence == 9);
  CHECK(assignment.at_boundary());
  CHECK(assignment.next(1).piece->id == 2);
  // A barrier now would have rows of split 2 before it, and the rest of split 1 behind.
  CHECK_FALSE(assignment.at_boundary());
  CHECK(assignment.finished(1, 2, ""));
  CHECK_FALSE(assignment.at_boundary());
  CHECK(assignment.finished(0, 1, ""));
  CHECK(assignment.at_boundary());
  auto fewer = split_assignment::make({all[0]}, {.readers = 1}).value();
  CHECK(fewer.go_on({{3, {.split = 3, .ended = true}}}).problem().code == "split_numbering");
}

TEST_CASE("what a unit holds is written with a hash, and damage is found") {
  const test::temporary_folder folder;
  const std::string at = folder.path();
  const auto data = rows(schema_of("id bigint, k text"), R"([[1, "a"], [2, null]])").data;
  const std::vector<state_part> parts = {{"groups", data}, {"more", data->Slice(1)}};
  const auto saved = write_state(at + "/checkpoints", "3/sums-0.state", parts).value();
  const auto back = read_state(at + "/checkpoints", saved).value();
  REQUIRE(back.size() == 2);
  CHECK(back[0].name == "groups");
  CHECK(back[0].rows->Equals(*data));
  CHECK(back[1].rows->Equals(*data->Slice(1)));
  CHECK(write_state(at, "none", {}).value().name.empty());
  {
    std::fstream file(at + "/checkpoints/3/sums-0.state", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(20);
    file.put('x');
  }
  CHECK(read_state(at + "/checkpoints", saved).problem().code == "checkpoint_damaged");
  CHECK(check_state(at + "/checkpoints", {"gone", 1, ""}).problem().code == "checkpoint_damaged");
}

namespace {

contribution at_time(const instance_id& who, std::uint32_t split, std::optional<std::int64_t> latest,
                     std::optional<std::int64_t> watermark) {
  auto made = of_reader(who, {{.split = split, .position = "p", .latest = latest}});
  made.what.watermark = watermark;
  return made;
}

/// One checkpoint of both readers.
run_snapshot taken_at(epoch_round& round, std::optional<std::int64_t> first, std::optional<std::int64_t> second) {
  (void)round.begin();
  const auto epoch = *round.under_way();
  (void)round.ready(enumerator, epoch);
  (void)round.prepared(epoch, at_time(first_reader, 0, first, first));
  (void)round.prepared(epoch, at_time(second_reader, 1, second, second));
  (void)round.prepared(epoch, of_sink("x"));
  return round.take().snapshot;
}

}  // namespace

TEST_CASE("a checkpoint keeps the time of each split, and the lowest watermark that units below have seen") {
  const auto what = small_plan();
  epoch_round round(what, nullptr, 0);
  const auto made = taken_at(round, 100, 70);
  CHECK(made.sources.at("a").at(0).latest == 100);
  CHECK(made.sources.at("a").at(1).latest == 70);
  CHECK(made.watermarks.at("a") == 70);
  const auto back = snapshot_from(to_json(made)).value();
  CHECK(back.sources.at("a") == made.sources.at("a"));
  CHECK(back.watermarks == made.watermarks);
  // A run behind it whose readers have passed on nothing yet stands where that one stood.
  epoch_round next(what, &back, 1);
  const auto idle = taken_at(next, std::nullopt, 90);
  CHECK(idle.sources.at("a").at(0).latest == 100);
  CHECK(idle.watermarks.at("a") == 70);
  // It never falls, and rises with the slowest reader.
  CHECK(taken_at(next, 60, 95).watermarks.at("a") == 70);
  CHECK(taken_at(next, 110, 95).watermarks.at("a") == 95);
}

TEST_CASE("a checkpoint of a version that kept no times can be read") {
  auto json = to_json(run_snapshot{.sources = {{"a", {{0, {.split = 0, .position = "p"}}}}}});
  json.erase("watermarks");
  const auto back = snapshot_from(json).value();
  CHECK_FALSE(back.sources.at("a").at(0).latest);
  CHECK(back.watermarks.empty());
}
