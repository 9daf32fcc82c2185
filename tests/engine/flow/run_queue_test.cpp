#include "engine/flow/run_queue.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using flow::run_queue;
using runs = std::vector<std::string>;

namespace {

run_claim with(std::uint64_t params, bool alone = false) { return {"daily", params, alone}; }

void add(run_queue& to, const std::string& run, run_claim what) {
  to.add(run, std::move(what));
  to.ready(run);
}

}  // namespace

TEST_CASE("so many runs go on at a time, in the order in which they came") {
  run_queue queue(2);
  for (const auto* run : {"a", "b", "c"}) add(queue, run, {});
  CHECK(queue.admit() == runs{"a", "b"});
  CHECK(queue.admit().empty());
  queue.ended("b");
  CHECK(queue.admit() == runs{"c"});
}

TEST_CASE("a run waits for those before it that it collides with, others pass it") {
  run_queue queue(4);
  add(queue, "first", with(1));
  add(queue, "same", with(1));
  add(queue, "other params", with(2));
  add(queue, "alone", with(3, true));
  add(queue, "behind alone", with(4));
  add(queue, "other pipeline", {"weekly", 1, false});
  CHECK(queue.in_the_way_of(with(2)) == runs{"other params", "alone"});
  CHECK(queue.in_the_way_of(with(1)) == runs{"first", "same", "alone"});
  CHECK(queue.in_the_way_of({"monthly", 1, false}).empty());
  CHECK(queue.admit() == runs{"first", "other params", "other pipeline"});
  queue.ended("first");
  CHECK(queue.admit() == runs{"same"});
  queue.ended("same");
  CHECK(queue.admit().empty());
  queue.ended("other params");
  CHECK(queue.admit() == runs{"alone"});
  queue.ended("alone");
  CHECK(queue.admit() == runs{"behind alone"});
}

TEST_CASE("a run that only ends takes no turn of another, and one that is not ready keeps its place") {
  run_queue queue(1);
  queue.add("coming", with(1));
  add(queue, "later", with(1));
  CHECK(queue.admit().empty());
  queue.ready("coming");
  CHECK(queue.admit() == runs{"coming"});
  queue.force("later");
  queue.ended("later");
  CHECK(queue.in_the_way_of(with(1)) == runs{"coming"});
}
