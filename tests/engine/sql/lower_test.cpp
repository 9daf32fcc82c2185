#include "engine/sql/lower.hpp"
#include "engine/sql/statement.hpp"
#include "engine/sql/tree.hpp"

#include <arrow/type.h>
#include <catch2/catch.hpp>

using namespace sluice;

namespace {

const std::vector<input_port>& inputs() {
  static const std::vector<input_port> all = {
      {"orders", arrow::schema({arrow::field("id", arrow::int64()), arrow::field("customer", arrow::int64()),
                                arrow::field("amount", arrow::float64())})},
      {"customers", arrow::schema({arrow::field("id", arrow::int64()), arrow::field("country", arrow::utf8())})}};
  return all;
}

unit_definition unit_of(const std::string& statement) {
  unit_definition unit;
  unit.name = "q";
  unit.component = "sql";
  unit.from = {"orders", "customers"};
  unit.own = statement;
  return unit;
}

/// "name: component own", one a line; or the faults.
std::string units(const std::string& statement) {
  diagnostics faults;
  const auto made = sql::lower(unit_of(statement), inputs(), faults);
  std::string text;
  for (const auto& one : faults)
    text += one.code + "@" + std::to_string(one.offset.value_or(0)) + " " + one.message + "\n";
  if (made)
    for (const auto& one : made->units) text += one.name + ": " + one.component + " " + one.own.dump() + "\n";
  return text;
}

}  // namespace

TEST_CASE("a statement becomes the transforms that a pipeline could have itself") {
  CHECK(units("select c.country, sum(o.amount) as s from orders o join customers c on o.customer = c.id "
              "where o.amount > 5 group by c.country order by s desc limit 3") ==
        "q_rows: filter \"amount > 5\"\n"
        "q_c: rename {\"id\":\"c_id\"}\n"
        "q_join: join {\"how\":\"inner\",\"on\":\"customer = c_id\"}\n"
        "q: steps [{\"aggregate\":{\"by\":[\"country\"],\"compute\":{\"__agg1\":\"sum(amount)\"}}},"
        "{\"select\":[{\"country\":\"country\"},{\"s\":\"__agg1\"}]},{\"sort\":[\"s desc\"]},{\"limit\":3}]\n");
}

TEST_CASE("expressions know the bytes of the statement that they came from") {
  diagnostics faults;
  const std::string statement = "select o.amount * 2 as twice from orders o, customers c where o.customer = c.id";
  const auto made = sql::lower(unit_of(statement), inputs(), faults);
  REQUIRE(made);
  const auto& on = made->texts.at("/transform/q_join/join/on");
  CHECK(on.text() == "(customer = c_id)");
  CHECK(on.origin_of(1) == statement.find("o.customer"));
  CHECK(on.origin_of(on.text().find("c_id")) == statement.find("c.id"));
  const auto& twice = made->texts.at("/transform/q/select/0/twice");
  CHECK(twice.text() == "amount * 2");
  CHECK(twice.origin_of(9) == statement.find("2 as"));
}

TEST_CASE("what a statement may not hold is refused at its place") {
  CHECK(units("select id from orders, customers").starts_with("ambiguous_column@7"));
  CHECK(units("select x.id from orders o, customers c").starts_with("unknown_column@7"));
  CHECK(units("select country from orders o, customers c group by o.id").starts_with("invalid_expression@7"));
  CHECK(units("with recursive t as (select 1) select * from t").starts_with("not_supported_yet@5"));
  CHECK(units("select * from orders o, customers o").starts_with("duplicate_unit@"));
  CHECK(units("select id from orders union select id, country from customers").starts_with("invalid_expression@"));
  CHECK(units("select amount from orders").starts_with("unread_unit@"));
  CHECK(units("").starts_with("invalid_expression@0"));
}

TEST_CASE("statements name the tables that they do not define") {
  diagnostics faults;
  const auto parsed = sql::parse_statement(
      "with a as (select * from x) select * from a join 'f.csv' f using (k) where k in (select k from y) ;", "/sql",
      faults);
  REQUIRE(parsed);
  std::string names;
  for (const auto& one : sql::tables_of(*parsed)) names += one.name + one.file + " ";
  CHECK(names == "x f.csv y ");
}

TEST_CASE("the extent of a part of an expression has its parentheses") {
  diagnostics faults;
  const auto parsed = sql::parse_statement("select ((a) + b.c) * (2) from t", "/sql", faults);
  REQUIRE(parsed);
  const auto& tree = *parsed->of->core->items.front().value.tree;
  const auto sum = sql::extent_of(*tree.args[0], *parsed);
  CHECK(parsed->text.substr(sum.begin, sum.end - sum.begin) == "(a) + b.c");
  const auto all = sql::extent_of(tree, *parsed);
  CHECK(parsed->text.substr(all.begin, all.end - all.begin) == "((a) + b.c) * (2)");
}
