#include "engine/values/batch.hpp"
#include "engine/values/place_in_split.hpp"

#include <catch2/catch.hpp>

using sluice::place_in_split;
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

TEST_CASE("a place that 64 bits have no room for is unknown, and never that of another row") {
  constexpr auto offsets = std::int64_t{1} << position::offset_bits;
  constexpr auto splits = std::uint32_t{1} << position::split_bits;
  constexpr auto sources = std::uint32_t{1} << position::source_bits;
  const place_in_split last(sources - 1, splits - 1);
  CHECK(last.at(0) == position{sources - 1, splits - 1, 0}.pack());
  CHECK(last.at(offsets - 2) == position{sources - 1, splits - 1, static_cast<std::uint64_t>(offsets - 2)}.pack());
  CHECK(place_in_split(0, 0).at(offsets - 1) == position{0, 0, static_cast<std::uint64_t>(offsets - 1)}.pack());
  CHECK(place_in_split(0, 0).at(offsets) == position::unknown);
  CHECK(place_in_split(0, 0).at(offsets + 7) == position::unknown);
  CHECK(place_in_split(0, splits).at(7) == position::unknown);
  CHECK(place_in_split(sources, 0).at(7) == position::unknown);
}
