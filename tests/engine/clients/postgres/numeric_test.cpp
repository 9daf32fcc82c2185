#include "engine/clients/postgres/numeric.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::postgres;

namespace {

/// The bytes behind the length.
std::string of_digits(const std::string& unscaled, int scale) {
  byte_buffer out;
  put_numeric(out, unscaled, scale);
  return std::string(out.view(4));
}

std::string of_number(std::int64_t unscaled, int scale) {
  byte_buffer out;
  put_numeric(out, unscaled, scale);
  return std::string(out.view(4));
}

std::int64_t read(std::string_view bytes, int precision, int scale) {
  int128 value = 0;
  REQUIRE(read_numeric(bytes, precision, scale, value) == numeric_reading::good);
  return static_cast<std::int64_t>(value);
}

}  // namespace

TEST_CASE("numbers of every scale are written and read as they are") {
  for (const std::int64_t unscaled : {0L, 1L, -1L, 9999L, 10000L, -10001L, 123456789L, INT64_MAX, INT64_MIN + 1})
    for (int scale = 0; scale <= 18; ++scale) {
      const auto bytes = of_number(unscaled, scale);
      INFO(unscaled << " e-" << scale);
      CHECK(bytes == of_digits(std::to_string(unscaled), scale));
      CHECK(read(bytes, 38, scale) == unscaled);
    }
}

TEST_CASE("the text of a number has its scale") {
  CHECK(numeric_text(of_number(-1, 2)) == "-0.01");
  CHECK(numeric_text(of_number(1000000, 4)) == "100.0000");
  CHECK(numeric_text(of_number(0, 3)) == "0.000");
  CHECK(numeric_text(of_digits("123456789012345678901234567890", 5)) == "1234567890123456789012345.67890");
}

TEST_CASE("38 digits are read whatever the place of their point") {
  for (int scale = 0; scale <= 38; ++scale) {
    const std::string digits = "98765432109876543210987654321098765432";
    int128 value = 0;
    INFO(scale);
    REQUIRE(read_numeric(of_digits(digits, scale), 38, scale, value) == numeric_reading::good);
    std::string text;
    for (auto rest = value; rest > 0; rest /= 10)
      text.insert(text.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    CHECK(text == digits);
  }
}

TEST_CASE("a number that does not fit says why") {
  int128 value = 0;
  CHECK(read_numeric(of_number(1005, 3), 10, 2, value) == numeric_reading::inexact);
  CHECK(read_numeric(of_number(1000, 3), 10, 2, value) == numeric_reading::good);
  CHECK(read_numeric(of_number(100000, 0), 6, 2, value) == numeric_reading::too_long);
  CHECK(read_numeric(of_digits(std::string(60, '9'), 0), 38, 0, value) == numeric_reading::too_long);
  CHECK(read_numeric(of_digits(std::string(60, '9'), 60), 38, 10, value) == numeric_reading::inexact);
  CHECK(read_numeric(std::string("\0\0\0\0\xC0\0\0\0", 8), 38, 0, value) == numeric_reading::not_a_number);
}

TEST_CASE("damaged bytes are seen") {
  int128 value = 0;
  for (const auto& bytes : {std::string(), std::string(7, '\0'), std::string("\0\1\0\0\0\0\0\0", 8),
                            std::string("\0\1\0\0\0\0\0\0\x27\x10", 10), std::string("\xff\xff\0\0\0\0\0\0", 8)}) {
    CHECK(read_numeric(bytes, 38, 0, value) == numeric_reading::damaged);
    CHECK_FALSE(numeric_text(bytes));
  }
}
