// Decimals with more than 38 digits, and values that lie where only eight bytes are aligned.
#include "engine/values/wide_decimal.hpp"
#include "tests/engine/expression/evaluating.hpp"

#include <catch2/catch.hpp>

#include <cstring>

using namespace sluice;
using namespace sluice::expression;
using namespace sluice::expression::testing;

namespace {

const std::vector<column> columns = {{"d", "decimal(50,10)", R"(["1234567890123456789012345678901234567890.5", null])"},
                                     {"m", "decimal(12,2)", R"(["-1.25", "3.00"])"},
                                     {"w", "decimal(76,60)", R"(["0.5", "0.1"])"},
                                     {"i", "integer", "[7, -2]"}};

std::string type(const std::string& text) { return type_of(text, columns); }
std::string values(const std::string& text) { return values_of(text, columns); }

// The same batch with every column at an address that is a multiple of 8, but not of 16, and not from its first row.
batch shifted(const batch& of) {
  arrow::ArrayVector arrays;
  for (const auto& array : of.data->columns()) {
    const auto doubled = arrow::Concatenate({array, array}).ValueOrDie();
    auto data = doubled->data()->Copy();
    const auto& values = *data->buffers[1];
    std::shared_ptr<arrow::Buffer> room = arrow::AllocateBuffer(values.size() + 16).ValueOrDie();
    const auto off = reinterpret_cast<std::uintptr_t>(room->data()) % 16 == 0 ? 8 : 0;
    std::memcpy(room->mutable_data() + off, values.data(), static_cast<std::size_t>(values.size()));
    data->buffers[1] = arrow::SliceBuffer(room, off, values.size());
    arrays.push_back(arrow::MakeArray(data)->Slice(array->length(), array->length()));
  }
  return {.data = arrow::RecordBatch::Make(of.data->schema(), of.rows(), arrays),
          .positions = nullptr,
          .order = {},
          .epoch = 0};
}

}  // namespace

TEST_CASE("an operation on a decimal with more than 38 digits has up to 76") {
  CHECK(type("d + m") == "decimal(51,10)");
  CHECK(type("d + d") == "decimal(51,10)");
  CHECK(type("d - i") == "decimal(51,10)");
  CHECK(type("d * m") == "decimal(62,12)");
  CHECK(type("d * 2") == "decimal(51,10)");
  CHECK(type("d * d") == "decimal(76,20)");
  CHECK(type("d / m") == "decimal(76,34)");
  CHECK(type("w / d") == "decimal(76,60)");
  CHECK(type("d % 7") == "decimal(11,10)");
  CHECK(type("-d") == "decimal(50,10)");
  CHECK(type("abs(d)") == "decimal(50,10)");
  CHECK(type("round(d, 2)") == "decimal(43,2)");
  CHECK(type("coalesce(d, 0)") == "decimal(50,10)");
  CHECK(type("coalesce(m, d)") == "decimal(50,10)");
  CHECK(type("case when i > 0 then d else 1.123456789012 end") == "decimal(52,12)");
  CHECK(type("d + 1e0") == "double");
  CHECK(type("m * 0.00000000000000000000000000000000000001") == "decimal(50,40)");
  CHECK(type("w * w").starts_with("not_supported_yet@2 the result of * would have more than 76 decimal places"));
}

TEST_CASE("calculations with more than 38 digits are exact") {
  CHECK(values("d + m") == "1234567890123456789012345678901234567889.2500000000|null");
  CHECK(values("d * m") == "-1543209862654320986265432098626543209863.125000000000|null");
  CHECK(values("d / -2") == "-617283945061728394506172839450617283945.2500000000000000000000000000|null");
  CHECK(values("d % 1") == "0.5000000000|null");
  CHECK(values("-d % 1") == "-0.5000000000|null");
  CHECK(values("round(d)") == "1234567890123456789012345678901234567891|null");
  CHECK(values("round(-d)") == "-1234567890123456789012345678901234567891|null");
  CHECK(values("trunc(d, -39)") == "1000000000000000000000000000000000000000|null");
  CHECK(values("coalesce(d, i)") == "1234567890123456789012345678901234567890.5000000000|-2.0000000000");
  CHECK(values("d > 1234567890123456789012345678901234567890.4999") == "true|null");
  CHECK(value_of("1234567890123456789012345678901234567890 + 0.5") == "1234567890123456789012345678901234567890.5");
  CHECK(value_of("1e0::decimal(60,40) / 3") == "0.33333333333333333333333333333333333333333333333333333333");
  CHECK(value_of("'-0.5'::decimal(60,0)") == "-1");
  CHECK(value_of("' 1.5e1 '::decimal(60,1)") == "15.0");
  CHECK(value_of("0.1::double::decimal(60,20)") == "0.10000000000000000000");
  CHECK(value_of("1.5::decimal(60,1)::integer") == "2");
  CHECK(value_of("16777217.0000001::decimal(60,7)::real::double") == "16777218");
}

TEST_CASE("a result that does not fit is an overflow, and leaving 256 bits on the way is none") {
  CHECK(values("d * d").starts_with("!numeric_overflow: 1234567890123456789012345678901234567890.5000000000 * "));
  CHECK(values("d::decimal(38,0)").starts_with("!out_of_range: value 1234567890123456789012345678901234567890."));
  CHECK(values("d::bigint").starts_with("!out_of_range"));
  CHECK(values("d / 0").starts_with("!division_by_zero: division by zero: 12345"));
  CHECK(values("d / (m - m)").starts_with("!division_by_zero"));
  const std::string nines(76, '9');
  CHECK(value_of(nines + " + 1").starts_with("!numeric_overflow: " + nines + " + 1 is out of the range of decimal(76"));
  // At the scale of the result the sides have 136 digits.
  CHECK(value_of("(" + nines + "::decimal(76,0) % 0.000000000000000000000000000000000000000000000000000000000007)") ==
        std::string("0.") + std::string(59, '0') + "3");
  CHECK(value_of(nines + "9").starts_with("out_of_range@0 the number"));
  CHECK(value_of("'1e76'::decimal(76,0)").starts_with("invalid_literal"));
}

TEST_CASE("wide numbers are stored and read as Arrow does") {
  for (const auto* text : {"0", "1", "-1", "18446744073709551616", "-18446744073709551616",
                           "9999999999999999999999999999999999999999999999999999999999999999999999999999",
                           "-9999999999999999999999999999999999999999999999999999999999999999999999999999"}) {
    const arrow::Decimal256 wanted(text);
    const wide_integer value(text);
    std::uint8_t bytes[32];
    REQUIRE(write_wide(value, 76, 32, bytes));
    CHECK(arrow::Decimal256(bytes) == wanted);
    CHECK(read_wide(bytes, 32) == value);
  }
  std::uint8_t bytes[16];
  CHECK_FALSE(write_wide(wide_integer(1000), 3, 16, bytes));
  REQUIRE(write_wide(wide_integer(-999), 3, 16, bytes));
  CHECK(read_wide(bytes, 16) == -999);
}

TEST_CASE("decimals of buffers that are aligned to eight bytes only are calculated with alike") {
  const auto plain = rows_of({{"a", "decimal(38,2)", R"(["1.25", "-7.50", null, "99999999999999999999.99"])"},
                              {"b", "decimal(20,4)", R"(["2", "0.0001", "3", "1"])"},
                              {"w", "decimal(60,2)", R"(["5", "-5", "0", null])"}});
  const auto odd = shifted(plain);
  REQUIRE(reinterpret_cast<std::uintptr_t>(odd.data->column_data(0)->buffers[1]->data()) % 16 == 8);
  for (const auto* text : {"a + b",
                           "a - b",
                           "a * b",
                           "a / b",
                           "a % b",
                           "-a",
                           "abs(a)",
                           "a < b",
                           "a = a",
                           "round(a)",
                           "floor(a)",
                           "a::double",
                           "a::decimal(30,1)",
                           "b::bigint",
                           "a::text",
                           "coalesce(a, b)",
                           "greatest(a, b)",
                           "case when b > 1 then a end",
                           "a in (1.25, 7)",
                           "w + a",
                           "-w",
                           "w > a",
                           "w::text",
                           "to_hex(b::bigint)",
                           "a is distinct from b",
                           "nullif(a, b)"}) {
    INFO(text);
    CHECK(values_of(text, odd) == values_of(text, plain));
  }
}
