#include "engine/values/batch.hpp"

#include <catch2/catch.hpp>

using sluice::position;

TEST_CASE("a position survives packing at the ends of its ranges") {
  for (const position p :
       {position{0, 0, 0}, position{255, (1U << 20) - 1, (std::uint64_t{1} << 36) - 2}, position{3, 7, 4096}}) {
    const auto back = position::unpack(p.pack());
    CHECK(back.source == p.source);
    CHECK(back.split == p.split);
    CHECK(back.offset == p.offset);
  }
}
