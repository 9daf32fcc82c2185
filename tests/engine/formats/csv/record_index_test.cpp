#include "engine/formats/csv/record_index.hpp"
#include "engine/values/simd_level.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

using namespace sluice;
using namespace sluice::csv;

namespace {

struct found {
  std::vector<std::uint32_t> ends, records;
  bool carriage_return, high;
  bool quote;
  // `quote` and `carriage_return` may be true in vain: then fields are looked at more carefully than they need.
  bool operator==(const found& other) const {
    return ends == other.ends && records == other.records && high == other.high && (!other.quote || quote) &&
           (!other.carriage_return || carriage_return);
  }
};

/// Scans a text in pieces of `step` bytes, as a reader does that gets them one after the other.
found scan(const std::string& text, const dialect& rules, simd_level level, std::size_t step) {
  const auto padded = std::string(64, 'Q') + text + std::string(128, ',');
  auto bytes = padded;
  auto* data = reinterpret_cast<std::uint8_t*>(bytes.data());
  record_index index(rules, level);
  index.reset(64);
  std::uint32_t scanned = 64;
  for (std::size_t end = 0; end < text.size();) {
    end = std::min(text.size(), end + step);
    scanned = index.scan(data, scanned, static_cast<std::uint32_t>(64 + end), end == text.size());
  }
  return {{index.ends(), index.ends() + index.fields()},
          {index.record_ends(), index.record_ends() + index.records()},
          index.saw_carriage_return(),
          index.saw_high(),
          index.saw_quote()};
}

}  // namespace

TEST_CASE("all SIMD levels find the same fields and records as the scalar scan") {
  std::mt19937 random(7);
  const std::vector<std::string> tastes = {
      "a,\n",      "aaaaaaaa,\"\n", "a\"\"\",\n\r",
      "ab\r\n,\"", "\",",           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xC3\xBC,\"\n"};
  for (int round = 0; round < 3000; ++round) {
    const auto& taste = tastes[random() % tastes.size()];
    std::string text;
    const auto size = random() % 400;
    while (text.size() < size) {
      if (random() % 8 == 0) {
        text += "\"quoted, \"\"text\"\"\n\",";  // fields as a writer makes them
      } else {
        text += taste[random() % taste.size()];
      }
    }
    const auto wanted = scan(text, {}, simd_level::scalar, text.size() + 1);
    for (const auto level : {simd_level::scalar, simd_level::sse2, simd_level::avx2, simd_level::avx512}) {
      for (const std::size_t step : {text.size() + 1, std::size_t{64}, std::size_t{1 + random() % 200}}) {
        INFO(text << "\nlevel " << static_cast<int>(level) << " step " << step);
        REQUIRE(scan(text, {}, level, step) == wanted);
      }
    }
  }
}

TEST_CASE("a CR at the end of a piece waits for the LF behind it") {
  for (std::size_t step = 1; step < 12; ++step) {
    const auto got = scan("ab\r\ncd\r\n\r", {}, best_simd_level(), step);
    CHECK(got.records == std::vector<std::uint32_t>{0, 1, 2});
    CHECK(got.ends == std::vector<std::uint32_t>{64 + 3, 64 + 7, 64 + 8});
  }
}
