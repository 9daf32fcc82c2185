#include "engine/formats/csv/wide_fields.hpp"
#include "engine/formats/csv/record_index.hpp"
#include "engine/formats/csv/wide_kinds.hpp"

#include <bit>
#include <catch2/catch.hpp>
#include <cstdio>
#include <random>
#include <set>
#include <string>
#include <vector>

using namespace sluice;
using namespace sluice::csv;
using namespace sluice::typed;

namespace {

/// Reads the fields as the second column of three, wide and one by one, and compares what comes out.
template <class Kind>
void compare(const std::vector<std::string>& fields, bool inferred) {
  using value = typename Kind::value;
  const auto wide = wide_reader<Kind>(best_simd_level());
  if (wide == nullptr) return;  // the machine has nothing to compare
  std::string text(64, 'Q');
  for (const auto& field : fields) text += "\"a\"," + field + ",-1\n";
  const auto size = static_cast<std::uint32_t>(text.size());
  text += std::string(128, '9');
  const auto* data = reinterpret_cast<const std::uint8_t*>(text.data());
  record_index index({}, simd_level::scalar);
  index.reset(64);
  index.scan(data, 64, size, true);
  REQUIRE(index.records() == fields.size());
  std::vector<std::uint32_t> first;
  for (std::uint32_t row = 0; row < fields.size(); ++row) first.push_back(row * 3);
  const record_block rows{data, index.ends(), first.data(), static_cast<std::int64_t>(fields.size()),
                          true, false,        false};

  std::vector<value> got(fields.size());
  std::vector<std::uint32_t> odd = {77};
  const auto done = wide(rows, 1, inferred, got.data(), odd);
  REQUIRE(done == std::ssize(fields) / 8 * 8);
  REQUIRE(odd.front() == 77);
  REQUIRE(std::is_sorted(odd.begin() + 1, odd.end()));
  const std::set<std::uint32_t> others(odd.begin() + 1, odd.end());
  for (std::uint32_t row = 0; row < done; ++row) {
    value wanted{};
    const auto* begin = data + index.ends()[row * 3] + 1;
    const bool plain = Kind::fast(begin, fields[row].size(), {.inferred = inferred}, wanted);
    if (plain == (others.count(row) == 0) && (!plain || std::memcmp(&wanted, &got[row], sizeof wanted) == 0)) continue;
    // What is longest may be looked at once more.
    if (plain && fields[row].size() > (inferred ? 15 : 16) && others.count(row) != 0) continue;
    INFO("'" << fields[row] << "' inferred " << inferred << ": read " << got[row] << ", wanted " << wanted);
    REQUIRE(plain == (others.count(row) == 0));
    REQUIRE(got[row] == wanted);
    FAIL("other bits");
  }
}

std::vector<std::string> random_fields(std::mt19937& random, const std::vector<std::string>& tastes) {
  std::vector<std::string> made(1 + random() % 40);
  for (auto& field : made) {
    const auto& taste = tastes[random() % tastes.size()];
    if (random() % 3 == 0) field += '-';
    for (auto left = random() % 19; left > 0; --left) field += taste[random() % taste.size()];
    if (random() % 3 == 0 && field.size() > 1) field[random() % field.size()] = '.';
  }
  return made;
}

}  // namespace

TEST_CASE("numbers read eight at a time are those that are read one by one") {
  std::mt19937 random(11);
  const std::vector<std::string> tastes = {"0123456789", "0123456789", "0", "9", "0123456789.", "01-", "12e+ x/:"};
  for (int round = 0; round < 4000; ++round) {
    const auto fields = random_fields(random, tastes);
    for (const bool inferred : {false, true}) {
      compare<double_kind>(fields, inferred);
      compare<integer_kind<std::int64_t>>(fields, inferred);
    }
  }
  const std::vector<std::string> edges = {"",
                                          "-",
                                          ".",
                                          "-.",
                                          "-0",
                                          "0",
                                          "0.0",
                                          "-0.0",
                                          "5.",
                                          ".5",
                                          "-.5",
                                          "00.5",
                                          "007",
                                          "9999999999999999",
                                          "-999999999999999",
                                          "999999999999999.",
                                          ".999999999999999",
                                          "9007199254740993",
                                          "12345678901234567",
                                          "1.2.3",
                                          "--1",
                                          "1-1",
                                          "+1",
                                          " 1"};
  for (const bool inferred : {false, true}) {
    compare<double_kind>(edges, inferred);
    compare<integer_kind<std::int64_t>>(edges, inferred);
  }
}

TEST_CASE("dates read eight at a time are those that are read one by one, and exist") {
  std::vector<std::string> fields;
  const auto add = [&](int year, int month, int day) {
    char text[16];
    std::snprintf(text, sizeof text, "%04d-%02d-%02d", year % 10000, month % 100, day % 100);
    fields.emplace_back(text);
  };
  for (int year = 0; year < 10000; ++year) {
    for (const int month : {0, 1, 2, 3, 4, 12, 13}) {
      for (const int day : {0, 1, 28, 29, 30, 31, 32}) add(year, month, day);
    }
    if (year % 100 != 99) continue;
    compare<date_kind>(fields, false);
    fields.clear();
  }
  for (int day = 0; day < 12 * 40; ++day) add(2024, 1 + day / 40, day % 40);
  for (const auto* other : {"", "2024-1-01", "2024-01-1", "2024/01/01", "20240-1-01", "2024-01-01 ", "-024-01-01",
                            "2024-0x-01", "x024-01-01", "12024-01-01", "2024-01-01T00:00:00"})
    fields.emplace_back(other);
  while (fields.size() % 8 != 0) fields.emplace_back("1970-01-01");
  compare<date_kind>(fields, false);
}
