#include "engine/lineage/column_flow.hpp"

#include "engine/lineage/named_columns.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::lineage;

namespace {

traced_input source(int number, const std::string& unit, const std::vector<std::string>& columns) {
  traced_input made{.unit = unit};
  for (const auto& name : columns) made.rows.columns.push_back({name, {{.source = number, .column = name}}});
  return made;
}

const traced_input orders = source(0, "orders", {"id", "customer", "amount", "status"});
const traced_input customers = source(1, "customers", {"number", "name"});

/// "amount:1": where a column comes from, and how much it was changed.
std::string from(const traced_rows& rows, const std::string& name) {
  for (const auto& column : rows.columns) {
    if (column.name != name) continue;
    std::string text;
    for (const auto& one : column.from)
      text += (text.empty() ? "" : " ") + one.column + ":" + std::to_string(static_cast<int>(one.how)) +
              (one.masked ? "m" : "");
    return text;
  }
  return "no such column";
}

std::string influences(const traced_rows& rows) {
  std::string text;
  for (const auto& one : rows.rows) text += (text.empty() ? "" : " ") + one.column + ":" + one.how;
  return text;
}

std::vector<std::string> names(const traced_rows& rows) {
  std::vector<std::string> made;
  for (const auto& column : rows.columns) made.push_back(column.name);
  return made;
}

}  // namespace

TEST_CASE("the columns of an expression are those that its parsed tree reads, wherever they stand") {
  const auto text_of = [](const read_columns& read) {
    std::string made;
    for (const auto& one : read.names)
      made += (made.empty() ? "" : " ") + (one.unit.empty() ? one.name : one.unit + "." + one.name);
    return made;
  };
  const auto names_in = [&](const std::string& text) { return text_of(columns_read(text)); };
  CHECK(names_in("round(amount / 1.19, 2)") == "amount");
  CHECK(names_in("status = 'paid ''id''' and at::date = $day") == "status at");
  CHECK(names_in("\"order id\" = orders.customer") == "order id orders orders.customer");
  CHECK(names_in("a.b.c") == "a a.b");
  CHECK(names_in("'not closed").empty());
  // Words of the language are none, nor are functions, types and parts of dates.
  CHECK(names_in("case when a is null then interval '1 day' else extract(year from at) end") == "a at");
  CHECK(names_in("sum(net) filter (where status = 'paid')") == "net status");
  CHECK(names_in("lag(x, 1) over (partition by customer order by at desc)") == "x customer at");
  CHECK(text_of(columns_of_key("net / quantity desc nulls last")) == "net quantity");
  CHECK(columns_read("orders.amount").plain);
  CHECK_FALSE(columns_read("-amount").plain);
}

TEST_CASE("a derived column comes from what its expression names, also by way of earlier entries") {
  const auto made =
      trace("derive", {{"net", "amount / 1.19"}, {"both", "net + id"}, {"amount", "amount"}, {"one", "1"}}, {orders});
  CHECK(from(made, "net") == "amount:1");
  CHECK(from(made, "both") == "amount:1 id:1");
  CHECK(from(made, "amount") == "amount:0");
  CHECK(from(made, "one").empty());
  CHECK(from(made, "status") == "status:0");
}

TEST_CASE("conditions, keys and orders decide about rows and change no column") {
  CHECK(influences(trace("filter", options("status = 'paid' and amount > 0"), {orders})) ==
        "status:FILTER amount:FILTER");
  CHECK(influences(trace("sort", options::array({"amount desc", "id"}), {orders})) == "amount:SORT id:SORT");
  CHECK(influences(trace("deduplicate", {{"by", {"id"}}, {"order", {"amount"}}}, {orders})) ==
        "id:GROUP_BY amount:SORT");
  CHECK(from(trace("filter", options("amount > 0"), {orders}), "amount") == "amount:0");
}

TEST_CASE("a join has the columns of both sides, and is decided by its keys") {
  const auto made = trace("join", {{"how", "left"}, {"on", "orders.customer = customers.number"}}, {orders, customers});
  CHECK(from(made, "name") == "name:0");
  CHECK(from(made, "amount") == "amount:0");
  CHECK(influences(made) == "customer:JOIN number:JOIN");
  const auto without =
      trace("join", {{"how", "anti"}, {"on", "orders.customer = customers.number"}}, {orders, customers});
  CHECK(from(without, "name") == "no such column");
}

TEST_CASE("an aggregate gives its keys and what it computes") {
  const auto made =
      trace("aggregate", {{"by", {"status"}}, {"compute", {{"all", "sum(amount)"}, {"n", "count(*)"}}}}, {orders});
  CHECK(names(made) == std::vector<std::string>{"status", "all", "n"});
  CHECK(from(made, "all") == "amount:2");
  CHECK(from(made, "n").empty());
  CHECK(influences(made) == "status:GROUP_BY");
}

TEST_CASE("columns are renamed, dropped, masked, nested and chosen") {
  CHECK(from(trace("rename", {{"amount", "price"}}, {orders}), "price") == "amount:0");
  CHECK(from(trace("drop", options::array({"amount"}), {orders}), "amount") == "no such column");
  CHECK(from(trace("mask", {{"customer", "hash"}}, {orders}), "customer") == "customer:1m");
  CHECK(from(trace("nest", {{"as", "both"}, {"columns", {"id", "amount"}}}, {orders}), "both") == "id:1 amount:1");
  const auto chosen = trace("select", options::array({"id", {{"upper", "upper(status)"}}}), {orders});
  CHECK(names(chosen) == std::vector<std::string>{"id", "upper"});
  CHECK(from(chosen, "upper") == "status:1");
}

TEST_CASE("steps are traced one after the other, and what is not known depends on everything") {
  const auto made = trace(
      "steps",
      options::array(
          {{{"filter", "status = 'paid'"}}, {{"derive", {{"net", "amount * 2"}}}}, {{"rename", {{"net", "gross"}}}}}),
      {orders});
  CHECK(from(made, "gross") == "amount:1");
  CHECK(influences(made) == "status:FILTER");
  CHECK(from(trace("sql", options("select 1"), {orders, customers}), "*") ==
        "id:1 customer:1 amount:1 status:1 number:1 name:1");
}
