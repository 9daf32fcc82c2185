// What a row gives, value or error, depends on that row alone: not on the rows that share its batch.
#include "tests/engine/expression/evaluating.hpp"

#include "engine/expression/evaluate_where.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>

using namespace sluice;
using namespace sluice::expression;
using namespace sluice::expression::testing;

namespace {

/// Writes random expressions of a wanted type, many of which fail in some rows.
class writer {
 public:
  explicit writer(std::uint64_t seed) : random_(seed) {}

  std::string boolean(int depth) {
    if (depth <= 0) return pick({"o", "true", "false", "null::boolean", "(i > 1)", "(t = 'a')"});
    switch (number(12)) {
      case 0:
        return "(" + boolean(depth - 1) + " and " + boolean(depth - 1) + ")";
      case 1:
        return "(" + boolean(depth - 1) + " or " + boolean(depth - 1) + ")";
      case 2:
        return "(not " + boolean(depth - 1) + ")";
      case 3:
        return "(" + whole(depth - 1) + pick({" = ", " < ", " >= ", " <> ", " is distinct from "}) + whole(depth - 1) +
               ")";
      case 4:
        return "(" + text(depth - 1) + pick({" = ", " < ", " like ", " is not distinct from "}) + constant_text() + ")";
      case 5:
        return "(" + any(depth - 1) + pick({" is null", " is not null"}) + ")";
      case 6:
        return "(" + boolean(depth - 1) + pick({" is true", " is not true", " is false", " is not false"}) + ")";
      case 7:
        return "(" + whole(depth - 1) + " between " + whole(depth - 1) + " and " + whole(depth - 1) + ")";
      case 8:
        return "(" + whole(depth - 1) + pick({" in (", " not in ("}) + whole(depth - 1) + ", " + whole(depth - 1) +
               "))";
      case 9:
        return "(" + whole(depth - 1) + " in (1, 2, 3, 4, 5, null))";
      case 10:
        return "(" + decimal(depth - 1) + " > " + floating(depth - 1) + ")";
      default:
        return general(depth, &writer::boolean);
    }
  }

  std::string whole(int depth) {
    if (depth <= 0) return pick({"i", "j", "0", "1", "(-7)", "2147483647", "null::integer", "i"});
    switch (number(8)) {
      case 0:
        return "(" + whole(depth - 1) + pick({" + ", " - ", " * ", " / ", " % "}) + whole(depth - 1) + ")";
      case 1:
        return text(depth - 1) + "::integer";
      case 2:
        return decimal(depth - 1) + "::integer";
      case 3:
        return "length(" + text(depth - 1) + ")";
      case 4:
        return "(- " + whole(depth - 1) + ")";
      case 5:
        return "position(" + text(depth - 1) + " in " + text(depth - 1) + ")";
      default:
        return general(depth, &writer::whole);
    }
  }

  std::string decimal(int depth) {
    if (depth <= 0) return pick({"d", "1.5", "0.00", "null::decimal(10,2)"});
    switch (number(7)) {
      case 0:
        return "(" + decimal(depth - 1) + pick({" + ", " - ", " * ", " / "}) + decimal(0) + ")::decimal(18,4)";
      case 1:
        return text(depth - 1) + "::decimal(10,2)";
      case 2:
        return "round(" + decimal(depth - 1) + ", " + pick({"1", "0", "-1", "j"}) + ")::decimal(18,4)";
      case 3:
        return whole(depth - 1) + "::decimal(10,2)";
      case 4:
        return "abs(" + decimal(depth - 1) + ")";
      default:
        return "coalesce(" + decimal(depth - 1) + ", " + decimal(0) + ")::decimal(18,4)";
    }
  }

  std::string floating(int depth) {
    if (depth <= 0) return pick({"f", "0::double", "1e300", "null::double"});
    switch (number(6)) {
      case 0:
        return "(" + floating(depth - 1) + pick({" + ", " - ", " * ", " / "}) + floating(depth - 1) + ")";
      case 1:
        return pick({"sqrt(", "ln(", "exp(", "sign("}) + floating(depth - 1) + ")";
      case 2:
        return "power(" + floating(depth - 1) + ", " + whole(depth - 1) + ")";
      case 3:
        return text(depth - 1) + "::double";
      default:
        return general(depth, &writer::floating);
    }
  }

  std::string text(int depth) {
    if (depth <= 0) return pick({"t", "t", constant_text() + "::text", "null::text"});
    switch (number(8)) {
      case 0:
        return "(" + text(depth - 1) + " || " + any(depth - 1) + ")";
      case 1:
        return "concat(" + any(depth - 1) + ", " + any(depth - 1) + ")";
      case 2:
        return "substring(" + text(depth - 1) + ", " + whole(depth - 1) + ", " + whole(0) + ")";
      case 3:
        return pick({"upper(", "initcap(", "trim(", "reverse("}) + text(depth - 1) + ")";
      case 4:
        return any(depth - 1) + "::text";
      case 5:
        return "split_part(" + text(depth - 1) + ", 'a', " + whole(depth - 1) + ")";
      default:
        return general(depth, &writer::text);
    }
  }

 private:
  std::string any(int depth) {
    switch (number(5)) {
      case 0:
        return boolean(depth);
      case 1:
        return decimal(depth);
      case 2:
        return floating(depth);
      case 3:
        return text(depth);
      default:
        return whole(depth);
    }
  }

  /// What gives any type.
  std::string general(int depth, std::string (writer::*of)(int)) {
    const auto inner = [&] { return (this->*of)(depth - 1); };
    switch (number(6)) {
      case 0:
        return "case when " + boolean(depth - 1) + " then " + inner() + " end";
      case 1:
        return "case when " + boolean(depth - 1) + " then " + inner() + " when " + boolean(depth - 1) + " then " +
               inner() + " else " + inner() + " end";
      case 2:
        return "case " + whole(depth - 1) + " when " + whole(depth - 1) + " then " + inner() + " when 1 then " +
               inner() + " else " + inner() + " end";
      case 3:
        return "coalesce(" + inner() + ", " + inner() + ", " + inner() + ")";
      case 4:
        return "nullif(" + inner() + ", " + inner() + ")";
      default:
        return pick({"greatest(", "least("}) + inner() + ", " + inner() + ")";
    }
  }

  std::string constant_text() { return pick({"'a'", "'7'", "'x%'", "''", "'abba'"}); }
  std::size_t number(std::size_t below) { return random_() % below; }
  std::string pick(const std::vector<std::string>& from) { return from[number(from.size())]; }

  std::mt19937_64 random_;
};

batch random_rows(std::uint64_t seed, int count) {
  std::mt19937_64 random(seed);
  const std::vector<std::string> values[] = {{"0", "1", "2", "-7", "2147483647", "null"},
                                             {"0", "1", "3", "null"},
                                             {"\"0.00\"", "\"1.50\"", "\"-2.25\"", "\"99999999.99\"", "null"},
                                             {"0", "1.5", "-2", "1e308", "1e-308", "null"},
                                             {"\"7\"", "\"x\"", "\"\"", "\" 8 \"", "\"aba\"", "\"1.5\"", "null"},
                                             {"true", "false", "null"}};
  const char* names[] = {"i", "j", "d", "f", "t", "o"};
  const char* types[] = {"integer", "integer", "decimal(10,2)", "double", "text", "boolean"};
  std::vector<column> columns;
  for (int c = 0; c < 6; ++c) {
    std::string json = "[";
    for (int row = 0; row < count; ++row) json += (row == 0 ? "" : ", ") + values[c][random() % values[c].size()];
    columns.push_back({names[c], types[c], json + "]"});
  }
  return rows_of(columns);
}

/// What each row gives, as text.
std::vector<std::string> given(const bound& expression, const batch& rows) {
  const auto made = expression.evaluate(rows);
  if (!made.ok()) throw std::runtime_error(made.problem().to_string());
  std::vector<std::string> out;
  for (std::int64_t row = 0; row < rows.rows(); ++row)
    out.push_back(made->values->IsNull(row) ? "null" : value_text(*made->values, row));
  for (const auto& each : made->errors) out[static_cast<std::size_t>(each.row)] = "!" + each.code + ": " + each.message;
  return out;
}

batch part_of(const batch& rows, std::int64_t from, std::int64_t count) {
  auto part = rows;
  part.data = rows.data->Slice(from, count);
  return part;
}

/// The same rows evaluated in parts, which begin at `starts`.
std::vector<std::string> given_in_parts(const bound& expression, const batch& rows,
                                        const std::set<std::int64_t>& starts) {
  std::vector<std::string> out;
  for (auto at = starts.begin(); at != starts.end(); ++at) {
    const auto end = std::next(at) == starts.end() ? rows.rows() : *std::next(at);
    for (auto& each : given(expression, part_of(rows, *at, end - *at))) out.push_back(std::move(each));
  }
  return out;
}

}  // namespace

TEST_CASE("a row gives the same whatever rows are in its batch") {
  constexpr int row_count = 70;  // more than a word of a bitmap
  int errors = 0;
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    writer from(seed);
    const int depth = 1 + static_cast<int>(seed % 5);
    const auto text = seed % 3 == 0 ? from.whole(depth) : seed % 3 == 1 ? from.boolean(depth) : from.text(depth);
    const auto rows = random_rows(seed, row_count);
    diagnostics faults;
    const auto bound = expression::bind(text, scope_of(rows), "/x", faults);
    INFO("seed " << seed << ": " << text << "\n" << faults_text(faults));
    REQUIRE(bound);
    const auto together = given(*bound, rows);
    std::set<std::int64_t> alone, random_starts{0};
    for (std::int64_t row = 0; row < row_count; ++row) alone.insert(row);
    std::mt19937_64 random(seed);
    for (int cut = 0; cut < 6; ++cut) random_starts.insert(static_cast<std::int64_t>(random() % row_count));
    REQUIRE(given_in_parts(*bound, rows, alone) == together);
    REQUIRE(given_in_parts(*bound, rows, random_starts) == together);
    for (const auto& each : together) errors += each[0] == '!' ? 1 : 0;
  }
  CHECK(errors > 5'000);
}

TEST_CASE("an argument's error counts behind a null that no row of the batch makes anything else") {
  const std::vector<column> alone = {{"f", "boolean", "[false]"}, {"t", "text", "[\"abc\"]"}};
  const std::vector<column> beside = {{"f", "boolean", "[false, true]"}, {"t", "text", "[\"abc\", \"5\"]"}};
  const std::string error = "!invalid_cast: expected integer, found 'abc'";
  for (const auto* const text :
       {"case when f then 1 end + t::integer", "t::integer + case when f then 1 end",
        "substring('abc', case when f then 1 end, t::integer)", "case when f then 1 end = t::integer",
        "case when f then 1 end between t::integer and 7", "case when f then 1 end in (t::integer, 2)",
        "nullif(case when f then 1 end, t::integer)", "greatest(case when f then 1 end, t::integer)",
        "coalesce(case when f then 1 end, t::integer)", "(case when f then true end) and t::integer = 1",
        "not (case when f then 1 end > t::integer)", "case case when f then 1 end when t::integer then 1 end"}) {
    INFO(text);
    CHECK(values_of(text, alone) == error);
    CHECK(values_of(text, beside).starts_with(error + "|"));
  }
}

TEST_CASE("constants are compared with each other beside a column") {
  const auto rows = rows_of({{"a", "integer", "[1, 9, null, 5]"}});
  CHECK(values_of("greatest(2, 7, a)", rows) == "7|9|7|7");
  CHECK(values_of("least(7, 2, a)", rows) == "1|2|2|2");
  CHECK(values_of("greatest(nullif(0, a + 1), 7, a)", rows) == "7|9|7|7");
}

TEST_CASE("a null that is written decides without a look at the rows") {
  CHECK(values_of("null::integer + t::integer", {{"t", "text", "[\"abc\"]"}}) == "null");
  CHECK(values_of("coalesce(null + t::integer, 5)", {{"t", "text", "[\"abc\"]"}}) == "5");
  CHECK(values_of("t::integer + case when null then 1 when false then 2 end", {{"t", "text", "[\"abc\"]"}}) == "null");
  CHECK(
      values_of("(null not in (a, 2, null)) and t::integer = 1", {{"t", "text", "[\"abc\"]"}, {"a", "integer", "[1]"}})
          .starts_with("!invalid_cast"));
  CHECK(values_of("(null not in (a, 2, null))::integer + t::integer",
                  {{"t", "text", "[\"abc\"]"}, {"a", "integer", "[1]"}}) == "null");
  CHECK(values_of("case when false then 1 / 0 when t = 'abc' then 2 when true then 3 else 1 / 0 end",
                  {{"t", "text", "[\"abc\", \"x\"]"}}) == "2|3");
  CHECK(type_of("case when true then 1 else 2.5 end") == "decimal(11,1)");
}

TEST_CASE("the condition of a filter stops at a part that is null, an expression does not") {
  const auto rows = rows_of({{"a", "integer", "[null, 1, 0]"}, {"z", "integer", "[0, 0, 0]"}});
  CHECK(values_of("a > 0 and 1 / z = 1", rows) ==
        "!division_by_zero: division by zero: 1 / 0|!division_by_zero: division by zero: 1 / 0|false");
  diagnostics faults;
  const auto filter = expression::bind_condition("a > 0 and z = 0 and 1 / z = 1", scope_of(rows), "/x", faults);
  REQUIRE(filter);
  const auto given_rows = given(*filter, rows);
  CHECK(given_rows[0] != "true");
  CHECK(given_rows[0][0] != '!');
  CHECK(given_rows[1] == "!division_by_zero: division by zero: 1 / 0");
  CHECK(given_rows[2] == "false");
  CHECK(filter->to_string() == "a > 0 and z = 0 and (1 / z) = 1");
}

TEST_CASE("errors count only where they are asked for") {
  const auto rows = rows_of({{"a", "integer", "[6, 5, 4]"}, {"z", "integer", "[2, 0, 0]"}});
  diagnostics faults;
  const auto bound = expression::bind("a / z", scope_of(rows), "/x", faults);
  REQUIRE(bound);
  const std::uint64_t bits = 0b101;
  const auto counting = std::make_shared<arrow::Buffer>(reinterpret_cast<const std::uint8_t*>(&bits), 8);
  const auto made = evaluate_where(*bound, rows, counting);
  REQUIRE(made.ok());
  REQUIRE(made->errors.size() == 1);
  CHECK(made->errors[0].row == 2);
  CHECK(value_text(*made->values, 0) == "3");
}
