#include "engine/flow/key_hash.hpp"
#include "tests/support/collector.hpp"

#include <map>
#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

std::vector<input_port> inputs(const std::string& left, const std::string& right) {
  return {{"orders", schema_of(left)}, {"customers", schema_of(right)}};
}

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
  CHECK(position::unpack(unit.out.ports[0][0].positions->Value(1)).offset == 70);
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
  for (const std::string how : {"right", "full", "semi", "anti", "cross"})
    CHECK(fault_of(R"~({"how": ")~" + how + R"~(", "using": ["cust"]})~").code == "not_supported_yet");
  CHECK(fault_of("{}").code == "invalid_option");
  CHECK(fault_of(R"~({"using": ["cust"], "on": "orders.cust = customers.cust"})~").code == "invalid_option");
  CHECK(fault_of(R"~({"using": ["nobody"]})~", inputs("nobody bigint", "x bigint")).path == "/join/using/0");
  const auto greater = fault_of(R"~({"on": "orders.cust = customers.cust and id >= 3"})~");
  CHECK(greater.code == "not_supported_yet");
  CHECK(greater.offset == 32);
  CHECK(fault_of(R"~({"on": "orders.cust = orders.id"})~").message == "both sides of = read orders");
  const auto unknown = fault_of(R"~({"on": "orders.cust = customers.custt"})~");
  CHECK(unknown.code == "unknown_column");
  CHECK(*unknown.offset >= 14);
}

TEST_CASE("a key with an error is rejected on either side") {
  runner unit("join", R"~({"on": "10 / a = b"})~", {{"l", schema_of("a bigint")}, {"r", schema_of("b bigint")}},
              {.policy = on_error::reject});
  unit.feed("[[5]]", 1).end(1).feed("[[2], [0]]", 0).end();
  CHECK(unit.lines() == lines{"2|5"});
  CHECK(unit.out.rejects.size() == 1);
}

TEST_CASE("a join that makes many rows of few gives them in batches") {
  runner unit("join", R"~({"using": ["k"]})~", inputs("k bigint, l bigint", "k bigint, r bigint"));
  arrow::Int64Builder k, r;
  for (int i = 0; i < 1000; ++i) REQUIRE((k.Append(1).ok() && r.Append(i).ok()));
  const auto ones = k.Finish().ValueOrDie(), counted = r.Finish().ValueOrDie();
  unit.feed(batch_of(unit.request.inputs[1].schema, {ones, counted}), 1).end(1);
  unit.feed(batch_of(unit.request.inputs[0].schema, {ones->Slice(0, 200), counted->Slice(0, 200)}), 0).end();
  CHECK(unit.out.out == 200'000);
  CHECK(unit.out.added == 199'800);
  std::int64_t at = 0;
  for (const auto& part : unit.out.ports[0]) {
    CHECK(part.rows() <= target_batch_rows);
    const auto& left = static_cast<const arrow::Int64Array&>(*part.data->column(1));
    const auto& right = static_cast<const arrow::Int64Array&>(*part.data->column(2));
    for (std::int64_t i = 0; i < part.rows(); ++i, ++at)
      REQUIRE((left.Value(i) == at / 1000 && right.Value(i) == at % 1000));
  }
}

TEST_CASE("joins equal a nested loop over random rows, alone and as instances that own key groups") {
  std::mt19937 random(3);
  const auto from = inputs("k bigint, t text, l bigint", "t text, k bigint, r bigint");
  const auto make = [&](int side, int count) {
    arrow::Int64Builder k, n;
    arrow::StringBuilder t;
    for (int i = 0; i < count; ++i) {
      const bool fine =
          (random() % 20 == 0 ? k.AppendNull() : k.Append(static_cast<std::int64_t>(random() % 50))).ok() &&
          t.Append("t" + std::to_string(random() % 5)).ok() && n.Append(i).ok();
      REQUIRE(fine);
    }
    const auto keys = k.Finish().ValueOrDie(), texts = t.Finish().ValueOrDie(), numbers = n.Finish().ValueOrDie();
    return side == 0 ? batch_of(from[0].schema, {keys, texts, numbers})
                     : batch_of(from[1].schema, {texts, keys, numbers});
  };
  const auto left = make(0, 1000), right = make(1, 400);
  const std::string how = GENERATE(as<std::string>{}, "inner", "left");
  lines expected;
  const auto l = lines_of(*left.data), r = lines_of(*right.data);
  const auto part = [](const std::string& line, int index) {
    std::size_t begin = 0;
    for (; index > 0; --index) begin = line.find('|', begin) + 1;
    return line.substr(begin, line.find('|', begin) - begin);
  };
  for (const auto& a : l) {
    bool any = false;
    for (const auto& b : r) {
      if (part(a, 0) == "null" || part(a, 0) != part(b, 1) || part(a, 1) != part(b, 0)) continue;
      expected.push_back(a + "|" + part(b, 2));
      any = true;
    }
    if (!any && how == "left") expected.push_back(a + "|null");
  }
  const auto own = R"~({"how": ")~" + how + R"~(", "using": ["k", "t"]})~";
  runner alone("join", own, from);
  for (int begin = 0; begin < 400; begin += 90) alone.feed(right.slice(begin, std::min(90, 400 - begin)), 1);
  for (int begin = 0; begin < 1000; begin += 130) alone.feed(left.slice(begin, std::min(130, 1000 - begin)), 0);
  alone.end();
  CHECK(alone.lines() == expected);

  lines together;
  const auto spread_left = alone.unit().input_partitioning(0), spread_right = alone.unit().input_partitioning(1);
  const auto lefts = must(flow::partition_by_keys(left, spread_left.keys, spread_left.key_types, 4));
  const auto rights = must(flow::partition_by_keys(right, spread_right.keys, spread_right.key_types, 4));
  for (std::size_t i = 0; i < 4; ++i) {
    runner instance("join", own, from);
    instance.feed(lefts[i], 0).feed(rights[i], 1).end();
    for (auto& line : instance.lines()) together.push_back(std::move(line));
  }
  std::sort(together.begin(), together.end());
  std::sort(expected.begin(), expected.end());
  CHECK(together == expected);
}

TEST_CASE("a join asks each side for its keys and for what is wanted of it") {
  runner unit("join", R"~({"using": ["cust"]})~",
              inputs("id bigint, cust bigint, x bigint", "cust bigint, name text, y bigint"));
  CHECK(*unit.unit().required_columns(0, {"name", "x"}) == lines{"cust", "x"});
  CHECK(*unit.unit().required_columns(1, {"name", "x"}) == lines{"cust", "name"});
}

TEST_CASE("a join that may not have the memory says so") {
  runner unit("join", R"~({"using": ["cust"]})~", two, {.memory_bytes = 500});
  const auto refused = unit.try_feed(rows(two[1].schema, customers), 1);
  REQUIRE(!refused.ok());
  CHECK(refused.problem().code == "memory_exceeded");
}
