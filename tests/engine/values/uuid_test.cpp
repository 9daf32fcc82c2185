#include "engine/values/uuid.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <regex>

namespace sluice {

TEST_CASE("run ids are UUIDs of version 7 that ascend", "[uuid]") {
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  const auto begun = now();
  std::string last;
  for (int i = 0; i < 10'000; ++i) {
    const auto id = uuid_v7();
    REQUIRE(id > last);
    last = id;
  }
  CHECK(std::regex_match(last, std::regex("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")));
  const auto milliseconds = std::stoll(last.substr(0, 8) + last.substr(9, 4), nullptr, 16);
  // Ids of the same millisecond count on into the next ones, and clocks are set.
  CHECK(milliseconds + 5000 >= begun);
  CHECK(milliseconds <= now() + 5000);
}

TEST_CASE("a UUID of a name is the same each time, and of version 8", "[uuid]") {
  // The first 16 bytes of Python's hashlib.sha256(b"sluice"), with the bits of version and variant.
  CHECK(uuid_v8("sluice") == "0f5aec3c-8edf-864b-b526-0e4ae806d31f");
  CHECK(uuid_v8("sluices") != uuid_v8("sluice"));
}

}  // namespace sluice
