#include "engine/operators/sorting/numbered_rows.hpp"
#include "engine/operators/sorting/sort_keys.hpp"
#include "tests/support/collector.hpp"

#include <algorithm>
#include <numeric>
#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

const std::string columns =
    "b boolean, s smallint, i integer, l bigint, u ubigint, d date, t timestamp, r real, f double, m decimal(12,2), x "
    "text";

template <class Builder, class Make>
std::shared_ptr<arrow::Array> column_of(Builder builder, std::int64_t rows, bool nulls, std::mt19937_64& random,
                                        Make make) {
  for (std::int64_t row = 0; row < rows; ++row)
    (void)(nulls && random() % 7 == 0 ? builder.AppendNull() : builder.Append(make()));
  return builder.Finish().ValueOrDie();
}

// A batch with few or many different values; `wide`: from the whole range of their types.
batch made_up(std::int64_t rows, std::uint64_t different, bool wide, bool nulls, std::mt19937_64& random) {
  const auto schema = schema_of(columns);
  const auto number = [&]() -> std::int64_t {
    if (wide && random() % 5 == 0) return random() % 2 == 0 ? INT64_MAX : INT64_MIN;
    return static_cast<std::int64_t>(random() % different) - static_cast<std::int64_t>(different / 2);
  };
  const auto real = [&]() -> double {
    constexpr double special[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, -NAN};
    return random() % 4 == 0 ? special[random() % 6] : static_cast<double>(number()) / 8;
  };
  const auto pool = arrow::default_memory_pool();
  arrow::ArrayVector all;
  all.push_back(column_of(arrow::BooleanBuilder(), rows, nulls, random, [&] { return random() % 2 == 0; }));
  all.push_back(
      column_of(arrow::Int16Builder(), rows, nulls, random, [&] { return static_cast<std::int16_t>(number()); }));
  all.push_back(
      column_of(arrow::Int32Builder(), rows, nulls, random, [&] { return static_cast<std::int32_t>(number()); }));
  all.push_back(column_of(arrow::Int64Builder(), rows, nulls, random, number));
  all.push_back(
      column_of(arrow::UInt64Builder(), rows, nulls, random, [&] { return static_cast<std::uint64_t>(number()); }));
  all.push_back(
      column_of(arrow::Date32Builder(), rows, nulls, random, [&] { return static_cast<std::int32_t>(number()); }));
  all.push_back(column_of(arrow::TimestampBuilder(schema->field(6)->type(), pool), rows, nulls, random, number));
  all.push_back(column_of(arrow::FloatBuilder(), rows, nulls, random, [&] { return static_cast<float>(real()); }));
  all.push_back(column_of(arrow::DoubleBuilder(), rows, nulls, random, real));
  all.push_back(column_of(arrow::Decimal128Builder(schema->field(9)->type()), rows, nulls, random, [&] {
    return arrow::Decimal128(static_cast<std::int64_t>(random() % different) -
                             static_cast<std::int64_t>(different / 2));
  }));
  all.push_back(
      column_of(arrow::StringBuilder(), rows, nulls, random, [&] { return std::to_string(random() % 1000); }));
  return with_positions(batch_of(schema, std::move(all)), 0, static_cast<std::int64_t>(random() % 1000));
}

batch all_of(const std::vector<batch>& parts) {
  arrow::RecordBatchVector data;
  arrow::ArrayVector positions;
  for (const auto& each : parts) {
    data.push_back(each.data);
    positions.push_back(each.positions);
  }
  batch whole;
  whole.data = arrow::ConcatenateRecordBatches(data).ValueOrDie();
  whole.positions = as_positions(arrow::Concatenate(positions).ValueOrDie());
  return whole;
}

// In the order of the keys that comparisons know.
batch expected(const batch& in, const std::vector<sort_column>& keys) {
  std::vector<sort_key> how;
  arrow::ArrayVector values;
  for (const auto& key : keys) {
    how.push_back({.value = nullptr, .text = {}, .descending = key.descending, .nulls_first = key.nulls_first});
    values.push_back(in.data->column(key.column));
  }
  encoded_keys encoded;
  must(encoded.encode(how, values, in.rows()));
  std::vector<std::int32_t> order(static_cast<std::size_t>(in.rows()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return encoded[a] < encoded[b]; });
  return take_rows(in, arrow::Int32Array(std::ssize(order), arrow::Buffer::Wrap(order)));
}

std::vector<packed_rows> packed(const std::vector<batch>& in) {
  std::vector<packed_rows> made;
  for (const auto& each : in)
    for (std::int64_t from = 0; from < each.rows(); from += most_numbered_rows)
      made.emplace_back(each.slice(from, std::min(most_numbered_rows, each.rows() - from)));
  return made;
}

// The rows in order; nothing where numbers would be too wide.
std::optional<batch> by_numbers(const std::vector<batch>& in, const std::vector<sort_column>& keys,
                                std::int64_t piece) {
  auto waiting = packed(in);
  const auto stream = must(order_by_numbers(waiting, keys));
  if (!stream) return std::nullopt;
  CHECK(waiting.empty());
  while (must(stream->work())) {
  }
  std::vector<batch> parts;
  while (true) {
    auto rows = must(stream->next(piece, 1 << 20));
    if (!rows.data) break;
    CHECK(rows.rows() <= piece);
    parts.push_back(std::move(rows));
  }
  return all_of(parts);
}

void check_same(const batch& made, const batch& wanted) {
  REQUIRE(made.rows() == wanted.rows());
  // Doubles that are equal as numbers must be the same bits, too, and no NaN may become another.
  for (int column = 0; column < made.data->num_columns(); ++column) {
    INFO(made.data->schema()->field(column)->name());
    const auto options = arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false);
    CHECK(made.data->column(column)->Equals(wanted.data->column(column), options));
    must(made.data->column(column)->ValidateFull().ok() ? status() : internal_error("test", "not valid"));
  }
  CHECK(made.positions->Equals(wanted.positions));
}

}  // namespace

TEST_CASE("rows ordered by numbers are those that comparisons of keys give") {
  std::mt19937_64 random(11);
  int ordered = 0;
  for (int round = 0; round < 60; ++round) {
    const bool wide = round % 4 == 0, nulls = round % 3 == 0;
    const auto different = std::uint64_t{1} << (random() % 20 + 1);
    std::vector<batch> in;
    for (int batches = 1 + static_cast<int>(random() % 5); batches > 0; --batches)
      in.push_back(made_up(static_cast<std::int64_t>(random() % 3000) + 1, different, wide, nulls, random));
    in.push_back(in.front().slice(in.front().rows() / 2, in.front().rows() - in.front().rows() / 2));
    std::vector<sort_column> keys;
    for (int count = 1 + static_cast<int>(random() % 4); count > 0; --count)
      keys.push_back({.column = static_cast<int>(random() % 10),
                      .descending = random() % 2 == 0,
                      .nulls_first = random() % 2 == 0});
    INFO("round " << round << ", first key " << keys[0].column);
    const auto wanted = expected(all_of(in), keys);
    const auto made = by_numbers(in, keys, static_cast<std::int64_t>(random() % 5000) + 1);
    if (!made) continue;
    ++ordered;
    check_same(*made, wanted);
  }
  CHECK(ordered > 40);
}

TEST_CASE("numbers that are not spread evenly are split further, and equal ones stay in their order") {
  const auto schema = schema_of("k bigint, n bigint");
  for (const bool equal : {false, true}) {
    std::mt19937_64 random(3);
    std::vector<batch> in;
    for (std::int64_t part = 0; part < 3; ++part) {
      arrow::Int64Builder k, n;
      for (std::int64_t row = 0; row < 150'000; ++row) {
        // One value far away makes all others share the first bucket.
        const auto close = static_cast<std::int64_t>(equal ? random() % 3 : random() % 1'000'000);
        (void)k.Append(part == 1 && row == 7 ? std::int64_t{1} << 60 : close);
        (void)n.Append(part * 150'000 + row);
      }
      in.push_back(with_positions(batch_of(schema, {k.Finish().ValueOrDie(), n.Finish().ValueOrDie()})));
    }
    const std::vector<sort_column> keys = {{.column = 0}};
    const auto made = by_numbers(in, keys, 10'000);
    REQUIRE(made);
    check_same(*made, expected(all_of(in), keys));
  }
}

TEST_CASE("keys that need more than 128 bits leave the rows as they were") {
  std::mt19937_64 random(5);
  const auto before = made_up(1000, 100, true, false, random);
  auto in = packed({before});
  CHECK(must(order_by_numbers(in, {{.column = 3}, {.column = 4}, {.column = 8}})) == nullptr);
  REQUIRE(in.size() == 1);
  check_same(must(in[0].unpack()), before);
  CHECK(must(order_by_numbers(in, {{.column = 3}, {.column = 4, .descending = true}})) != nullptr);
}

TEST_CASE("a decimal that does not fit its precision is not ordered by numbers") {
  const auto schema = schema_of("m decimal(12,2)");
  arrow::Decimal128Builder values(schema->field(0)->type());
  (void)values.Append(arrow::Decimal128(1, 0));
  auto in = packed({batch_of(schema, {values.Finish().ValueOrDie()})});
  CHECK(must(order_by_numbers(in, {{.column = 0}})) == nullptr);
}

TEST_CASE("rows that wait take as many bytes as their values need, and are what they were") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 40; ++round) {
    const auto different = std::uint64_t{1} << (random() % 40);
    const auto rows =
        made_up(static_cast<std::int64_t>(random() % 3000) + 2, different, round % 4 == 0, round % 3 == 0, random);
    const auto some = rows.slice(rows.rows() / 3, rows.rows() / 2);
    check_same(must(packed_rows(rows).unpack()), rows);
    check_same(must(packed_rows(some).unpack()), some);
  }
  const auto schema = schema_of("id bigint, day date, price decimal(15,2), one integer");
  arrow::Int64Builder id;
  arrow::Date32Builder day;
  arrow::Decimal128Builder price(schema->field(2)->type());
  arrow::Int32Builder one;
  for (std::int64_t row = 0; row < 10'000; ++row) {
    (void)id.Append(5'000'000'000 + row);
    (void)day.Append(static_cast<std::int32_t>(9000 + row % 2500));
    (void)price.Append(arrow::Decimal128(-row));
    (void)one.Append(1);
  }
  const auto rows = with_positions(batch_of(schema, {id.Finish().ValueOrDie(), day.Finish().ValueOrDie(),
                                                     price.Finish().ValueOrDie(), one.Finish().ValueOrDie()}));
  const packed_rows waiting(rows);
  CHECK(waiting.bytes() == 10'000 * (2 + 2 + 2 + 0));
  CHECK(waiting.plain_bytes() == rows.bytes());
  check_same(must(waiting.unpack()), rows);
}
