#include "engine/values/positions.hpp"
#include "tests/engine/transforms/join_inputs.hpp"
#include "tests/support/collector.hpp"

#include <optional>
#include <string>
#include <vector>

using namespace sluice;
using namespace sluice::testing;

namespace {

const auto two = inputs("id bigint, cust bigint", "cust bigint, name text");
const std::string orders = "[[1, 10], [2, 20], [3, null], [4, 99], [5, 10]]";
const std::string customers = R"~([[10, "Ann"], [20, "Bob"], [null, "Nil"], [30, "Cid"]])~";

struct faulty {
  std::string code, message, hint, path;
  std::optional<std::size_t> offset;
};
faulty fault_of(const std::string& own, const std::vector<input_port>& from = two) {
  runner unit("join", own, from);
  REQUIRE(unit.faults.size() == 1);
  const auto& fault = unit.faults[0];
  return {fault.code, fault.message, fault.hint, fault.path, fault.offset};
}

}  // namespace

TEST_CASE("an inner join keeps rows of the left with a match, in the left's order") {
  runner unit("join", R"~({"using": ["cust"]})~", two);
  unit.feed(customers, 1).end(1).feed(orders, 0).end();
  CHECK(unit.schema() == "id bigint, cust bigint, name text");
  CHECK(unit.lines() == lines{"1|10|Ann", "2|20|Bob", "5|10|Ann"});
  CHECK(unit.out.merged == 4);
  CHECK(unit.out.filtered == 2);
}

TEST_CASE("a left join keeps all rows of the left; null keys match nothing") {
  runner unit("join", R"~({"how": "left", "using": ["cust"]})~", two);
  unit.feed(customers, 1).end(1).feed(orders, 0).end();
  CHECK(unit.lines() == lines{"1|10|Ann", "2|20|Bob", "3|null|null", "4|99|null", "5|10|Ann"});
  CHECK(unit.out.filtered == 0);
}

TEST_CASE("rows of the left that come before the right has ended wait, whatever ends first") {
  runner unit("join", R"~({"how": "left", "using": ["cust"]})~", two);
  unit.feed("[[1, 10]]", 0).feed(customers, 1).feed("[[2, 20], [3, 30]]", 0);
  CHECK(unit.lines().empty());
  unit.end(0);
  CHECK(unit.lines().empty());
  unit.end(1);
  unit.end();
  CHECK(unit.lines() == lines{"1|10|Ann", "2|20|Bob", "3|30|Cid"});
}

TEST_CASE("output carries the order key and the positions of the left's rows") {
  runner unit("join", R"~({"using": ["cust"]})~", two);
  auto first = with_positions(rows(two[0].schema, "[[1, 10], [2, 99]]"), 4, 70),
       second = with_positions(rows(two[0].schema, "[[3, 10]]"), 4, 90);
  first.order = {.split = 4, .sequence = 7};
  second.order = {.split = 4, .sequence = 8};
  unit.feed(first, 0).feed(second, 0).feed(R"~([[10, "Ann"], [10, "Al"]])~", 1).end();
  CHECK(unit.lines() == lines{"1|10|Ann", "1|10|Al", "3|10|Ann", "3|10|Al"});
  REQUIRE(unit.out.ports[0].size() == 2);
  CHECK(unit.out.ports[0][0].order.sequence == 7);
  CHECK(unit.out.ports[0][1].order.sequence == 8);
  CHECK(position_at(*unit.out.ports[0][0].positions, 1).offset == 70);
  CHECK(unit.unit().keeps_order());
}

TEST_CASE("several matches add rows, in the order of the right") {
  runner unit("join", R"~({"how": "left", "using": ["cust"]})~", two);
  unit.feed(R"~([[10, "A"], [20, "B"], [10, "C"]])~", 1).feed(R"~([[10, "D"]])~", 1).end(1);
  unit.feed("[[1, 10], [2, 30], [3, 20]]", 0).end();
  CHECK(unit.lines() == lines{"1|10|A", "1|10|C", "1|10|D", "2|30|null", "3|20|B"});
  CHECK(unit.out.added == 2);
}

TEST_CASE("empty sides join") {
  runner inner("join", R"~({"using": ["cust"]})~", two);
  inner.end(1).feed(orders, 0).end();
  CHECK(inner.lines().empty());
  CHECK(inner.out.filtered == 5);
  runner left("join", R"~({"how": "left", "using": ["cust"]})~", two);
  left.feed("[]", 1).end(1).feed("[[1, 10]]", 0).end();
  CHECK(left.lines() == lines{"1|10|null"});
  runner nothing("join", R"~({"using": ["cust"]})~", two);
  nothing.feed(customers, 1).end();
  CHECK(nothing.lines().empty());
}

TEST_CASE("the columns of a left side that matches row by row are shared") {
  runner unit("join", R"~({"using": ["cust"]})~", two);
  const auto left = rows(two[0].schema, "[[1, 10], [2, 20]]");
  unit.feed(customers, 1).end(1).feed(left, 0).end();
  CHECK(unit.out.ports[0][0].data->column(0)->data()->buffers[1] == left.data->column(0)->data()->buffers[1]);
}

TEST_CASE("`on` takes equalities of columns with different names, and expressions of one side") {
  const auto from = inputs("id bigint, who bigint, day date", "cust bigint, name text, since date");
  runner unit("join", R"~({"on": "orders.who = customers.cust AND since = day"})~", from);
  unit.feed(R"~([[1, "A", 5], [1, "B", 6]])~", 1).end(1).feed("[[7, 1, 6], [8, 1, 9]]", 0).end();
  CHECK(unit.schema() == "id bigint, who bigint, day date, cust bigint, name text, since date");
  CHECK(unit.lines() == lines{"7|1|1970-01-07|1|B|1970-01-07"});
  CHECK(unit.unit().input_partitioning(0).keys == lines{"who", "day"});
  CHECK(unit.unit().input_partitioning(1).keys == lines{"cust", "since"});

  runner computed("join", R"~({"on": "upper(orders.code) = customers.code"})~",
                  inputs("code text", "code text, name text"));
  REQUIRE(computed.faults.size() == 1);  // code would be there twice
  runner renamed("join", R"~({"on": "upper(a) = b and c = d"})~", inputs("a text, c bigint", "b text, d integer"));
  renamed.feed(R"~([["X", 1], ["Y", 2]])~", 1).end(1).feed(R"~([["x", 1], ["y", 1], [null, 1]])~", 0).end();
  CHECK(renamed.lines() == lines{"x|1|X|1"});
  CHECK(renamed.unit().input_partitioning(0).how == partitioning::kind::single);
  CHECK(renamed.unit().input_partitioning(1).how == partitioning::kind::single);
}

TEST_CASE("`on` with the same column on both sides shows it once") {
  runner unit("join", R"~({"on": "orders.cust = customers.cust"})~", two);
  CHECK(unit.schema() == "id bigint, cust bigint, name text");
}

TEST_CASE("keys of different types are compared in their common type") {
  runner unit("join", R"~({"how": "left", "using": ["k"]})~", inputs("k integer", "k decimal(10,2), n bigint"));
  unit.feed(R"~([["1.00", 1], ["2.50", 2]])~", 1).end(1).feed("[[1], [2]]", 0).end();
  CHECK(unit.schema() == "k integer, n bigint");
  CHECK(unit.lines() == lines{"1|1", "2|null"});
  runner floats("join", R"~({"using": ["k"]})~", inputs("k real", "k double, n bigint"));
  floats.feed("[[0.0, 1], [NaN, 2], [0.5, 3]]", 1).end(1).feed("[[-0.0], [NaN], [0.5]]", 0).end();
  CHECK(floats.lines().size() == 3);
  CHECK(fault_of(R"~({"using": ["k"]})~", inputs("k text", "k bigint, n bigint")).code == "type_mismatch");
}

TEST_CASE("the same column on both sides is refused with the rename that mends it") {
  const auto fault = fault_of(R"~({"using": ["cust"]})~", inputs("cust bigint, name text", "cust bigint, name text"));
  CHECK(fault.code == "duplicate_column");
  CHECK(fault.hint.find("{ from: customers, rename: { name: customers_name } }") != std::string::npos);
}

TEST_CASE("what joins can't do is refused") {
  CHECK(fault_of("{}").code == "invalid_option");
  CHECK(fault_of(R"~({"using": ["cust"], "on": "orders.cust = customers.cust"})~").code == "invalid_option");
  CHECK(fault_of(R"~({"using": []})~").path == "/join/using");
  CHECK(fault_of(R"~({"using": ["cust", "cust"]})~").path == "/join/using/1");
  CHECK(fault_of(R"~({"using": ["nobody"]})~", inputs("nobody bigint", "x bigint")).path == "/join/using/0");
  CHECK(fault_of(R"~({"how": "cross", "using": ["cust"]})~").message.find("`using` and `on` are not allowed") !=
        std::string::npos);
  const auto number = fault_of(R"~({"on": "orders.cust = customers.cust and id + 3"})~");
  CHECK(number.code == "type_mismatch");
  CHECK(number.path == "/join/on");
  CHECK(number.offset == 36);
  const auto unknown = fault_of(R"~({"on": "orders.cust = customers.custt"})~");
  CHECK(unknown.code == "unknown_column");
  CHECK(*unknown.offset >= 14);
  CHECK(fault_of(R"~({"on": "orders.cust = customers.name"})~").code == "type_mismatch");
}

TEST_CASE("right and full joins give rows of the right without a match, with nulls and their own keys") {
  const std::string how = GENERATE(as<std::string>{}, "right", "full");
  INFO(how);
  runner unit("join", R"~({"how": ")~" + how + R"~(", "using": ["cust"]})~", two);
  unit.feed(customers, 1).end(1).feed(orders, 0).end();
  CHECK(unit.schema() == "id bigint, cust bigint, name text");
  auto expected = lines{"null|null|Nil", "1|10|Ann", "2|20|Bob", "3|null|null", "4|99|null", "5|10|Ann", "null|30|Cid"};
  if (how == "right") std::erase_if(expected, [](const auto& line) { return line[0] == '3' || line[0] == '4'; });
  CHECK(unit.lines() == expected);
  CHECK(unit.out.merged == 2);  // Ann and Bob became part of other rows
  CHECK(unit.out.filtered == (how == "right" ? 2 : 0));
  CHECK(unit.out.added == 0);
  CHECK(!unit.unit().keeps_order());
}

TEST_CASE("a key that is shown once has a type that holds the keys of both sides, where either may be shown") {
  runner unit("join", R"~({"how": "full", "using": ["k"]})~", inputs("k integer", "k bigint, n bigint"));
  CHECK(unit.schema() == "k bigint, n bigint");
  unit.feed("[[5000000000, 1], [1, 2]]", 1).end(1).feed("[[1], [2]]", 0).end();
  CHECK(unit.lines() == lines{"1|2", "2|null", "5000000000|1"});
}

TEST_CASE("unmatched rows of the right keep their positions") {
  runner unit("join", R"~({"how": "right", "using": ["cust"]})~", two);
  unit.feed(with_positions(rows(two[1].schema, R"~([[10, "A"], [20, "B"], [null, "C"]])~"), 3, 50), 1).end(1);
  unit.feed(with_positions(rows(two[0].schema, "[[1, 10]]"), 4, 70), 0).end();
  CHECK(unit.lines() == lines{"null|null|C", "1|10|A", "null|20|B"});
  const auto offset = [&](int part) { return position_at(*unit.out.ports[0][part].positions, 0).offset; };
  CHECK(offset(0) == 52);
  CHECK(offset(1) == 70);
  CHECK(offset(2) == 51);
}

TEST_CASE("semi and anti joins keep the left's columns and order, each row at most once") {
  runner semi("join", R"~({"how": "semi", "using": ["cust"]})~", two);
  semi.feed(R"~([[10, "A"], [10, "B"], [20, "C"], [null, "D"]])~", 1).end(1).feed(orders, 0).end();
  CHECK(semi.schema() == "id bigint, cust bigint");
  CHECK(semi.lines() == lines{"1|10", "2|20", "5|10"});
  CHECK(semi.out.filtered == 2);
  CHECK(semi.out.merged == 4);
  // not exists, not `not in`: null keys have no match, and nulls on the right change nothing.
  runner anti("join", R"~({"how": "anti", "using": ["cust"]})~", two);
  anti.feed(R"~([[10, "A"], [null, "D"]])~", 1).end(1).feed(orders, 0).end();
  CHECK(anti.lines() == lines{"2|20", "3|null", "4|99"});
  CHECK(anti.out.filtered == 2);
  CHECK(anti.unit().keeps_order());
  CHECK(*anti.unit().required_columns(1, {"id"}) == lines{"cust"});
}

TEST_CASE("the same name on both sides is fine where the right's columns don't come out") {
  runner unit("join", R"~({"how": "semi", "on": "l.k = r.j"})~",
              {{"l", schema_of("k bigint, x text")}, {"r", schema_of("j bigint, x text")}});
  unit.feed(R"~([[1, "r"]])~", 1).end(1).feed(R"~([[1, "l"], [2, "l"]])~", 0).end();
  CHECK(unit.lines() == lines{"1|l"});
}

TEST_CASE("a cross join pairs every row with every row") {
  const auto from = inputs("a bigint", "b bigint");
  runner unit("join", R"~({"how": "cross"})~", from);
  unit.feed("[[1], [null]]", 1).end(1).feed("[[7], [8]]", 0).end();
  CHECK(unit.lines() == lines{"7|1", "7|null", "8|1", "8|null"});
  CHECK(unit.out.added == 2);
  CHECK(unit.unit().input_partitioning(0).how == partitioning::kind::single);
  runner nothing("join", R"~({"how": "cross"})~", from);
  nothing.end(1).feed("[[7], [8]]", 0).end();
  CHECK(nothing.out.filtered == 2);
}

TEST_CASE("a condition beside the keys decides which pairs match, in every kind") {
  const auto from = inputs("id bigint, cust bigint, x bigint", "who bigint, y bigint");
  const std::string left = "[[1, 10, 5], [2, 10, 1], [3, 20, 9], [4, null, 9], [5, 10, null]]";
  const std::string right = "[[10, 3], [10, 4], [20, 9], [30, 0]]";
  const auto join_of = [&](const std::string& how) {
    runner unit("join", R"~({"how": ")~" + how + R"~(", "on": "orders.cust = customers.who and x > y"})~", from);
    unit.feed(right, 1).end(1).feed(left, 0).end();
    return unit.lines();
  };
  const lines pairs = {"1|10|5|10|3", "1|10|5|10|4"};
  CHECK(join_of("inner") == pairs);
  const lines others = {"2|10|1|null|null", "3|20|9|null|null", "4|null|9|null|null", "5|10|null|null|null"};
  auto kept = pairs;
  kept.insert(kept.end(), others.begin(), others.end());
  CHECK(join_of("left") == kept);
  CHECK(join_of("right") == lines{pairs[0], pairs[1], "null|null|null|20|9", "null|null|null|30|0"});
  kept.insert(kept.end(), {"null|null|null|20|9", "null|null|null|30|0"});
  CHECK(join_of("full") == kept);
  CHECK(join_of("semi") == lines{"1|10|5"});
  CHECK(join_of("anti") == lines{"2|10|1", "3|20|9", "4|null|9", "5|10|null"});
}

TEST_CASE("a condition without any equality looks at every pair") {
  runner unit("join", R"~({"how": "left", "on": "l.a between r.low and r.high and a <> 5"})~",
              {{"l", schema_of("a bigint")}, {"r", schema_of("low bigint, high bigint")}});
  unit.feed("[[1, 5], [4, 9]]", 1).end(1).feed("[[4], [5], [9], [10]]", 0).end();
  CHECK(unit.lines() == lines{"4|1|5", "4|4|9", "5|null|null", "9|4|9", "10|null|null"});
}

TEST_CASE("a later condition is asked only about pairs that met the ones before it") {
  runner unit("join", R"~({"on": "a = b and y <> 0 and x / y > 2"})~",
              inputs("a bigint, x bigint", "b bigint, y bigint"));
  unit.feed("[[1, 0], [1, 2]]", 1).end(1).feed("[[1, 8]]", 0).end();
  CHECK(unit.lines() == lines{"1|8|1|2"});
}

TEST_CASE("a condition that fails over a pair is an error of the left's row") {
  const auto from = inputs("id bigint, a bigint, x bigint", "b bigint, y bigint");
  const std::string own = R"~({"how": "left", "on": "a = b and x / y > 2"})~";
  const std::string left = "[[1, 1, 8], [2, 2, 8], [3, 3, 8]]", right = "[[1, 2], [1, 0], [2, 1]]";
  runner strict("join", own, from);
  strict.feed(right, 1).end(1);
  const auto failed = strict.try_feed(rows(from[0].schema, left), 0);
  REQUIRE(!failed.ok());
  CHECK(failed.problem().code == "division_by_zero");
  runner lenient("join", own, from, {.policy = on_error::reject});
  lenient.feed(right, 1).end(1).feed(left, 0).end();
  CHECK(lenient.lines() == lines{"2|2|8|2|1", "3|3|8|null|null"});
  REQUIRE(lenient.out.rejects.size() == 1);
  CHECK(lenient.out.rejects[0].record == "1|1|8");
  runner nulls("join", own, from, {.policy = on_error::set_null});
  nulls.feed(right, 1).end(1).feed(left, 0).end();
  CHECK(nulls.lines() == lines{"1|1|8|1|2", "2|2|8|2|1", "3|3|8|null|null"});
}

TEST_CASE("a key with an error is rejected on either side") {
  runner unit("join", R"~({"on": "10 / a = b"})~", {{"l", schema_of("a bigint")}, {"r", schema_of("b bigint")}},
              {.policy = on_error::reject});
  unit.feed("[[5]]", 1).end(1).feed("[[2], [0]]", 0).end();
  CHECK(unit.lines() == lines{"2|5"});
  CHECK(unit.out.rejects.size() == 1);
}

TEST_CASE("a join asks each side for its keys and for what is wanted of it") {
  runner unit("join", R"~({"using": ["cust"]})~",
              inputs("id bigint, cust bigint, x bigint", "cust bigint, name text, y bigint"));
  CHECK(*unit.unit().required_columns(0, {"name", "x"}) == lines{"cust", "x"});
  CHECK(*unit.unit().required_columns(1, {"name", "x"}) == lines{"cust", "name"});
}
