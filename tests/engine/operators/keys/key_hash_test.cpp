#include "engine/operators/keys/key_hash.hpp"

#include "engine/operators/keys/key_encoding.hpp"

#include "engine/values/positions.hpp"
#include "tests/support/collector.hpp"

#include <arrow/compute/cast.h>

#include <limits>
#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto value = static_cast<unsigned char>(c);
    text += "0123456789abcdef"[value >> 4];
    text += "0123456789abcdef"[value & 15];
  }
  return text;
}

std::string encoded(const std::string& schema, const std::string& json) {
  const auto in = rows(schema, json);
  flow::block_encoder encoder;
  must(encoder.encode(in.data->columns(), 0, in.rows()));
  return hex(std::string(encoder.row(0)));
}

std::vector<std::uint64_t> hashed(const std::string& schema, const std::string& json) {
  const auto in = rows(schema, json);
  return must(flow::hash_keys(in.data->columns(), in.rows()));
}

}  // namespace

TEST_CASE("keys are encoded as the table says") {
  CHECK(encoded("a bigint", "[[1]]") == "020100000000000000");
  CHECK(encoded("a bigint", "[[-1]]") == "02ffffffffffffffff");
  CHECK(encoded("a bigint", "[[null]]") == "00");
  CHECK(encoded("a smallint", "[[-1]]") == encoded("a bigint", "[[-1]]"));
  CHECK(encoded("a ubigint", "[[1]]") == encoded("a bigint", "[[1]]"));
  CHECK(encoded("a ubigint", "[[18446744073709551615]]") == "03ffffffffffffffff");
  CHECK(encoded("a boolean", "[[true]]") == "0101");
  CHECK(encoded("a text", R"([["zürich"]])") == "07070000007ac3bc72696368");
  CHECK(encoded("a text", R"([[""]])") == "0700000000");
  CHECK(encoded("a double", "[[1.5]]") == "04000000000000f83f");
  CHECK(encoded("a real", "[[1.5]]") == encoded("a double", "[[1.5]]"));
  CHECK(encoded("a double", "[[-0.0]]") == encoded("a double", "[[0.0]]"));
  CHECK(encoded("a double", "[[NaN]]") == "04000000000000f87f");
  CHECK(encoded("a decimal(10,2)", R"([["1.50"]])") == "05010f" + std::string(30, '0'));
  CHECK(encoded("a decimal(12,4)", R"([["1.5000"]])") == encoded("a decimal(10,2)", R"([["1.50"]])"));
  CHECK(encoded("a decimal(10,2)", R"([["100.00"]])") == "05fe01" + std::string(30, '0'));
  CHECK(encoded("a decimal(10,2)", R"([["0.00"]])") == "0500" + std::string(32, '0'));
  CHECK(encoded("a decimal(50,2)", R"([["1.50"]])") == encoded("a decimal(10,2)", R"([["1.50"]])"));
  CHECK(encoded("a date", "[[1]]") == "090100000000000000");
  CHECK(encoded("a timestamp", "[[1]]") == "0b0100000000000000");
  CHECK(encoded("a timestamptz", "[[1]]") == "0c0100000000000000");
  CHECK(encoded("a bigint, b text, c bigint", R"([[1, null, 2]])") == "02010000000000000000020200000000000000");
}

TEST_CASE("hashes of keys never change: rows stay with their instance over versions") {
  CHECK(hashed("a bigint", "[[0], [1], [-1], [9223372036854775807], [null]]") ==
        std::vector<std::uint64_t>{0x8da2b7ab8b1ee0e7, 0x77b9ee4e4f0d5d17, 0x51957c455b8e6c65, 0xe043660fb5b7a3db,
                                   0xc44bdff4074eecdb});
  CHECK(hashed("a text", R"([[""], ["a"], ["a longer text that needs more than one round of the hash"]])") ==
        std::vector<std::uint64_t>{0x2388578ed213216e, 0x0f542446d4f23420, 0x3f2a1ac30564d3a9});
  CHECK(hashed("a bigint, b text", R"([[1, "x"], [1, null], [null, null]])") ==
        std::vector<std::uint64_t>{0xe3ce4b694c2e0590, 0x653c90af36805e42, 0x3325230e1f285505});
}

TEST_CASE("columns of a key do not run into each other") {
  const auto ab = hashed("a text, b text", R"([["ab", "c"], ["a", "bc"], ["abc", ""], ["abc", null]])");
  for (std::size_t i = 0; i < ab.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(ab[i] != ab[j]);
}

TEST_CASE("equal values hash alike whatever the width, dictionary or path through the code") {
  std::string json = "[", with_null = "[[null]";
  for (int i = -1500; i < 1500; ++i) {
    const auto row = "[" + std::to_string(i) + "]";
    json += (json.size() > 1 ? "," : "") + row;
    with_null += "," + row;
  }
  const auto narrow = hashed("a integer", json + "]");
  CHECK(narrow == hashed("a bigint", json + "]"));
  CHECK(narrow == hashed("a smallint", json + "]"));
  auto general = hashed("a bigint", with_null + "]");
  general.erase(general.begin());
  CHECK(narrow == general);
  const auto plain = rows("a text", R"([["x"], ["y"], ["x"], [null]])");
  const auto coded =
      arrow::compute::Cast(*plain.data->column(0), arrow::dictionary(arrow::int32(), arrow::utf8())).ValueOrDie();
  CHECK(must(flow::hash_keys({coded}, 4)) == must(flow::hash_keys(plain.data->columns(), 4)));
}

TEST_CASE("groups are spread evenly and in ranges over instances") {
  for (const std::uint32_t n : {1U, 2U, 3U, 7U, 16U, 1000U, 1024U}) {
    std::vector<int> groups(n);
    std::uint32_t last = 0;
    for (std::uint32_t group = 0; group < flow::key_groups; ++group) {
      const auto instance = flow::instance_of(group, n);
      REQUIRE(instance < n);
      REQUIRE(instance >= last);
      last = instance;
      ++groups[instance];
    }
    CHECK(*std::max_element(groups.begin(), groups.end()) - *std::min_element(groups.begin(), groups.end()) <= 1);
  }
}

TEST_CASE("a batch is split by key: no row lost, order kept, equal keys together") {
  std::mt19937 random(1);
  arrow::Int64Builder keys, numbers;
  for (int i = 0; i < 20'000; ++i) {
    const auto key = static_cast<std::int64_t>(random() % 500);
    REQUIRE((key == 7 ? keys.AppendNull() : keys.Append(key)).ok());
    REQUIRE(numbers.Append(i).ok());
  }
  auto in = with_positions(
      batch_of(schema_of("k bigint, n bigint"), {keys.Finish().ValueOrDie(), numbers.Finish().ValueOrDie()}), 3);
  in.order = {.split = 3, .sequence = 9, .chunk = 1, .last_chunk = true, .last_in_split = true};
  in.epoch = 4;
  const auto parts = must(flow::partition_by_keys(in, {"k"}, {}, 5));
  REQUIRE(parts.size() == 5);
  std::int64_t total = 0;
  std::map<std::string, std::size_t> home;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    total += parts[part].rows();
    CHECK(parts[part].rows() > 2'000);
    CHECK(parts[part].order == in.order);
    CHECK(parts[part].epoch == 4);
    const auto& n = static_cast<const arrow::Int64Array&>(*parts[part].data->column(1));
    const auto text = lines_of(*parts[part].data);
    for (std::int64_t row = 0; row < n.length(); ++row) {
      if (row > 0) REQUIRE(n.Value(row - 1) < n.Value(row));
      REQUIRE(position_at(*parts[part].positions, row).offset == n.Value(row));
      const auto key = text[row].substr(0, text[row].find('|'));
      REQUIRE(home.try_emplace(key, part).first->second == part);
    }
  }
  CHECK(total == 20'000);
  CHECK(home.size() == 500);
}

TEST_CASE("keys are cast to the common type before hashing") {
  const auto whole = rows("k bigint", "[[1], [2], [3], [4], [5], [6], [7], [8]]");
  const auto decimal =
      rows("k decimal(5,1)", R"([["1.0"], ["2.0"], ["3.0"], ["4.0"], ["5.0"], ["6.0"], ["7.0"], ["8.0"]])");
  const std::vector<std::shared_ptr<arrow::DataType>> common = {arrow::decimal128(20, 1)};
  const auto a = must(flow::partition_by_keys(whole, {"k"}, common, 3));
  const auto b = must(flow::partition_by_keys(decimal, {"k"}, common, 3));
  for (int part = 0; part < 3; ++part) CHECK(a[part].rows() == b[part].rows());
  CHECK(a[0].rows() < 8);
}

TEST_CASE("lists and structs cannot be keys") {
  const auto in = rows("k bigint[]", "[[[1]]]");
  const auto refused = flow::hash_keys(in.data->columns(), 1);
  REQUIRE(!refused.ok());
  CHECK(refused.problem().code == "not_supported_yet");
}
