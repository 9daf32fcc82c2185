#include "engine/schedule/file_arrival.hpp"

#include <catch2/catch.hpp>

using sluice::schedule::file_arrival;
using texts = std::vector<std::string>;

TEST_CASE("a file has arrived when it has not changed for the time to settle") {
  file_arrival arrival(30, {});
  CHECK(arrival.look({{"a", {1, 1}}}, 100).empty());
  CHECK(arrival.next() == 130);
  CHECK(arrival.look({{"a", {2, 2}}}, 120).empty());
  CHECK(arrival.look({{"a", {2, 2}}}, 149).empty());
  CHECK(arrival.look({{"a", {2, 2}}}, 150) == texts{"a"});
  CHECK(arrival.look({{"a", {2, 2}}}, 999).empty());
  CHECK(arrival.next() == 0);
}

TEST_CASE("what is remembered goes on in another process: nothing arrives twice") {
  file_arrival arrival(30, {});
  (void)arrival.look({{"a", {1, 1}}, {"b", {1, 1}}}, 100);
  file_arrival other(30, arrival.state());
  CHECK(other.look({{"a", {1, 1}}, {"b", {1, 1}}}, 130) == texts{"a", "b"});
  file_arrival third(30, other.state());
  CHECK(third.look({{"a", {1, 1}}, {"b", {1, 1}}}, 500).empty());
  CHECK_FALSE(third.changed());
  CHECK(third.look({{"a", {5, 9}}, {"b", {1, 1}}}, 501).empty());
  CHECK(third.look({{"a", {5, 9}}, {"b", {1, 1}}}, 531) == texts{"a"});
}

TEST_CASE("a file that goes and comes again arrives again, one that goes before it settled never") {
  file_arrival arrival(30, {});
  (void)arrival.look({{"a", {1, 1}}}, 100);
  CHECK(arrival.look({}, 110).empty());
  CHECK(arrival.look({{"a", {1, 1}}}, 135).empty());
  CHECK(arrival.look({{"a", {1, 1}}}, 165) == texts{"a"});
  (void)arrival.look({}, 170);
  (void)arrival.look({{"a", {1, 1}}}, 171);
  CHECK(arrival.look({{"a", {1, 1}}}, 201) == texts{"a"});
}
