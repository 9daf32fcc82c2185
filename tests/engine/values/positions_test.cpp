#include "engine/values/positions.hpp"

#include <arrow/array.h>
#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>

using namespace sluice;

namespace {

constexpr auto far = std::numeric_limits<std::int64_t>::max();

batch rows_at(std::vector<position> places) {
  const auto count = static_cast<std::int64_t>(places.size());
  batch made;
  made.data = arrow::RecordBatch::Make(arrow::schema({}), count, arrow::ArrayVector{});
  made.positions =
      make_positions(count, [&](std::int64_t row) { return places[static_cast<std::size_t>(row)]; }).value();
  return made;
}

}  // namespace

TEST_CASE("a position is kept at the ends of its ranges") {
  const std::vector<position> places = {{0, 0, 0},
                                        {255, (1U << 20) - 1, (std::int64_t{1} << 36) - 1},
                                        {300, 1U << 31, std::int64_t{1} << 36},
                                        {~0U, ~0U - 1, far}};
  const auto rows = rows_at(places);
  CHECK(rows.positions->byte_width() == 16);
  for (std::size_t row = 0; row < places.size(); ++row)
    CHECK(position_at(*rows.positions, static_cast<std::int64_t>(row)) == places[row]);
}

TEST_CASE("the bytes of a position are source, split and offset, little-endian, on every machine") {
  const auto rows = rows_at({{0x01020304, 0x05060708, 0x090a0b0c0d0e0f10}});
  CHECK(rows.positions->GetString(0) ==
        std::string("\x04\x03\x02\x01\x08\x07\x06\x05\x10\x0f\x0e\x0d\x0c\x0b\x0a\x09", 16));
}

TEST_CASE("only a row without a known position has the one that says so") {
  const auto made = unknown_positions(3);
  CHECK(made->length() == 3);
  CHECK(position_at(*made, 2) == position::unknown);
  CHECK_FALSE(position{~0U, ~0U, far} == position::unknown);
}

TEST_CASE("positions go where their rows go") {
  const auto rows = rows_at({{0, 1, 10}, {0, 1, far}, {0, 1U << 31, 30}});
  CHECK(position_at(*rows.slice(1, 2).positions, 1) == position{0, 1U << 31, 30});
  arrow::BooleanBuilder keep;
  REQUIRE(keep.AppendValues(std::vector<bool>{false, true, true}).ok());
  const auto mask = keep.Finish().ValueOrDie();
  const auto kept = filter_rows(rows, static_cast<const arrow::BooleanArray&>(*mask));
  CHECK(position_at(*kept.positions, 0) == position{0, 1, far});
  arrow::Int32Builder order;
  REQUIRE(order.AppendValues(std::vector<std::int32_t>{2, 0, 1}).ok());
  const auto taken = take_rows(rows, *order.Finish().ValueOrDie());
  CHECK(position_at(*taken.positions, 0) == position{0, 1U << 31, 30});
  CHECK(position_at(*taken.positions, 2) == position{0, 1, far});
}
