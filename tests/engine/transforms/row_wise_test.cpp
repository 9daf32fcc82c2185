#include "engine/values/positions.hpp"
#include "tests/support/collector.hpp"

using namespace sluice;
using namespace sluice::testing;

namespace {

const std::string people = "id bigint, name text, age integer";
const std::string three = R"~([[1, "Ann", 30], [2, null, null], [3, "Cid", 17]])~";

std::string only_fault(const runner& of) {
  REQUIRE(of.faults.size() == 1);
  return of.faults.front().code + " " + of.faults.front().path;
}

}  // namespace

TEST_CASE("filter keeps rows whose condition is true and counts the others") {
  runner unit("filter", R"~("age >= 18")~", people);
  unit.feed(three).feed("[]").end();
  CHECK(unit.lines() == lines{"1|Ann|30"});
  CHECK(unit.out.filtered == 2);
}

TEST_CASE("filter passes a batch on as it is where every row stays") {
  runner unit("filter", R"~("id > 0")~", people);
  const auto in = with_positions(rows(people, three), 2, 100);
  unit.feed(in).end();
  CHECK(unit.out.ports[0][0].data == in.data);
  CHECK(unit.out.ports[0][0].positions == in.positions);
}

TEST_CASE("filter keeps the positions of the rows that stay") {
  runner unit("filter", R"~("id <> 2")~", people);
  unit.feed(with_positions(rows(people, three), 2, 100)).end();
  const auto& positions = *unit.out.ports[0][0].positions;
  CHECK(position_at(positions, 1).offset == 102);
}

TEST_CASE("a row error fails the run, with column, value and row") {
  runner unit("derive", R"~({"x": "10 / id"})~", "id bigint");
  const auto failed = unit.try_feed(with_positions(rows("id bigint", "[[5], [0], [2]]"), 1, 40));
  REQUIRE(!failed.ok());
  CHECK(failed.problem().code == "division_by_zero");
  CHECK(failed.problem().message.find("column x") != std::string::npos);
  // Whoever reports the error asks the source for the line of the row that was rejected.
  REQUIRE(unit.out.rejects.size() == 1);
  CHECK(unit.out.rejects[0].record == "0");
  CHECK(unit.out.rejects[0].position.offset == 41);
  CHECK(failed.problem().to_blame == blame::user);
}

TEST_CASE("a row error sends the row to the rejects, as it entered the unit, once") {
  runner unit("derive", R"~({"x": "10 / id", "y": "x + 1", "z": "20 / id"})~", "id bigint", on_error::reject);
  unit.feed(with_positions(rows("id bigint", "[[5], [0], [2]]"), 1, 40)).end();
  CHECK(unit.lines() == lines{"5|2|3|4", "2|5|6|10"});
  REQUIRE(unit.out.rejects.size() == 1);
  CHECK(unit.out.rejects[0].record == "0");
  CHECK(unit.out.rejects[0].why.code == "division_by_zero");
  CHECK(unit.out.rejects[0].position.offset == 41);
}

TEST_CASE("a row error becomes null and is counted, by column") {
  runner unit("derive", R"~({"x": "10 / id", "z": "20 / id"})~", "id bigint", on_error::set_null);
  unit.feed("[[5], [0], [0]]").end();
  CHECK(unit.lines() == lines{"5|2|4", "0|null|null", "0|null|null"});
  CHECK(unit.out.set_null == std::map<std::string, std::uint64_t>{{"x", 2}, {"z", 2}});
}

TEST_CASE("a condition with an error rejects the row or, with set_null, drops it") {
  runner rejecting("filter", R"~("10 / id > 1")~", "id bigint", on_error::reject);
  rejecting.feed("[[5], [0], [100]]").end();
  CHECK(rejecting.lines() == lines{"5"});
  CHECK(rejecting.out.rejects.size() == 1);
  runner nulls("filter", R"~("10 / id > 1")~", "id bigint", on_error::set_null);
  nulls.feed("[[5], [0], [100]]").end();
  CHECK(nulls.out.filtered == 2);
}

TEST_CASE("derive works in the order of the file: later entries see earlier ones, and replaced columns") {
  runner unit("derive", R"~({"age": "age + 1", "next": "age + 1", "label": "name || '!'"})~", people);
  unit.feed(three).end();
  CHECK(unit.schema() == "id bigint, name text, age integer, next integer, label text");
  CHECK(unit.lines() == lines{"1|Ann|31|32|Ann!", "2|null|null|null|null", "3|Cid|18|19|Cid!"});
}

TEST_CASE("later entries of derive see earlier ones in any spelling, and among thousands") {
  runner spelled("derive",
                 R"~({"Sum": "age + 1", "x": "sum * 2", "y": "\"Sum\" + 1", "id": "id * 10", "z": "ID + 1"})~", people);
  spelled.feed(three).end();
  CHECK(spelled.lines().front() == "10|Ann|30|31|62|32|11");
  std::string entries = R"~("c0": "age")~";
  for (int i = 1; i < 3000; ++i) entries += ", \"c" + std::to_string(i) + "\": \"c" + std::to_string(i - 1) + " + 1\"";
  runner many("derive", "{" + entries + "}", people);
  many.feed(three).end();
  CHECK(many.lines().front().ends_with("|3028|3029"));
}

TEST_CASE("derive asks for the columns that it reads and passes on, and no others") {
  runner unit("derive", R"~({"age": "age + 1", "double": "age * 2"})~", people);
  CHECK(*unit.unit().required_columns(0, {"double"}) == lines{"age"});
  CHECK(*unit.unit().required_columns(0, {"double", "name", "unknown"}) == lines{"name", "age"});
}

TEST_CASE("faults of an expression name the entry") {
  runner unit("derive", R"~({"x": "agee + 1"})~", people);
  CHECK(only_fault(unit) == "unknown_column /derive/x");
}

TEST_CASE("select keeps, orders, renames and computes columns") {
  runner unit("select", R"~(["name", {"years": "age"}, {"older": "age + 10"}])~", people);
  const auto in = rows(people, three);
  unit.feed(in).end();
  CHECK(unit.schema() == "name text, years integer, older integer");
  CHECK(unit.lines() == lines{"Ann|30|40", "null|null|null", "Cid|17|27"});
  CHECK(unit.out.ports[0][0].data->column(0) == in.data->column(1));
  CHECK(unit.out.ports[0][0].data->column(1) == in.data->column(2));
}

TEST_CASE("select refuses a name twice and unknown columns, all at once") {
  runner unit("select", R"~(["id", {"id": "age"}, "nam"])~", people);
  REQUIRE(unit.faults.size() == 2);
  CHECK(unit.faults[0].code == "unknown_column");
  CHECK(unit.faults[0].path == "/select/2");
  CHECK(unit.faults[1].code == "duplicate_column");
}

TEST_CASE("select passes over columns that were pruned because nobody wants them") {
  runner unit("select", R"~(["name", {"years": "age"}, {"plus": "id + 1"}])~", {{"source", schema_of("id bigint")}},
              {.pruned = true});
  unit.feed("[[1]]").end();
  CHECK(unit.schema() == "plus bigint");
}

TEST_CASE("rename changes all names at once and copies nothing") {
  runner unit("rename", R"~({"id": "name", "name": "id"})~", people);
  const auto in = rows(people, three);
  unit.feed(in).end();
  CHECK(unit.schema() == "name bigint, id text, age integer");
  CHECK(unit.out.ports[0][0].data->column(1) == in.data->column(1));
  CHECK(only_fault(runner("rename", R"~({"id": "age"})~", people)) == "duplicate_column /rename");
  CHECK(only_fault(runner("rename", R"~({"idd": "x"})~", people)) == "unknown_column /rename/idd");
  CHECK(*unit.unit().required_columns(0, {"id"}) == lines{"name"});
}

TEST_CASE("drop leaves columns out") {
  runner unit("drop", R"~(["name", "age"])~", people);
  unit.feed(three).end();
  CHECK(unit.schema() == "id bigint");
  CHECK(unit.lines() == lines{"1", "2", "3"});
  CHECK(only_fault(runner("drop", R"~(["nme"])~", people)) == "unknown_column /drop/0");
  CHECK(only_fault(runner("drop", R"~(["id"])~", "id bigint")) == "no_columns /drop");
  runner pruned("drop", R"~(["name", "age"])~", {{"source", schema_of("id bigint")}}, {.pruned = true});
  CHECK(pruned.schema() == "id bigint");
}

TEST_CASE("cast changes types; what does not fit is a row error") {
  runner unit("cast", R"~({"id": "text", "name": "bigint"})~", "id bigint, name text", on_error::reject);
  unit.feed(R"~([[1, "12"], [2, "x"], [3, null]])~").end();
  CHECK(unit.schema() == "id text, name bigint");
  CHECK(unit.lines() == lines{"1|12", "3|null"});
  REQUIRE(unit.out.rejects.size() == 1);
  CHECK(unit.out.rejects[0].record == "2|x");
  CHECK(unit.out.rejects[0].why.column == "name");
  CHECK(only_fault(runner("cast", R"~({"id": "bigintt"})~", "id bigint")).substr(0, 12) == "unknown_type");
}

TEST_CASE("limit keeps the first rows over batches, then is satisfied; what still comes is filtered") {
  runner unit("limit", "4", "id bigint");
  unit.feed("[[1], [2], [3]]");
  CHECK(!unit.unit().satisfied());
  unit.feed("[[4], [5], [6]]");
  CHECK(unit.unit().satisfied());
  unit.feed("[[7]]").end();
  CHECK(unit.lines() == lines{"1", "2", "3", "4"});
  CHECK(unit.out.filtered == 3);
  CHECK(unit.unit().needs_order());
  CHECK(unit.unit().input_partitioning(0).how == partitioning::kind::single);
  CHECK(runner("limit", "0", "id bigint").unit().satisfied());
  CHECK(only_fault(runner("limit", "-1", "id bigint")) == "invalid_option /limit");
}

TEST_CASE("route sends each row to the first port whose condition holds") {
  runner unit("route", R"~({"small": "n < 10", "even": "n % 2 = 0", "default": "rest"})~", "n bigint");
  unit.feed("[[1], [12], [13], [null], [4]]").end();
  CHECK(unit.lines(0) == lines{"1", "4"});
  CHECK(unit.lines(1) == lines{"12"});
  CHECK(unit.lines(2) == lines{"13", "null"});
  CHECK(unit.unit().outputs()[2].name == "default");
}

TEST_CASE("route without a default drops and counts what no port takes") {
  runner unit("route", R"~({"small": "n < 10"})~", "n bigint");
  unit.feed("[[1], [12], [null]]").end();
  CHECK(unit.lines(0) == lines{"1"});
  CHECK(unit.out.filtered == 2);
}

TEST_CASE("route rejects rows whose condition fails, unless an earlier port took them") {
  runner unit("route", R"~({"zero": "n = 0", "rest": "10 / n > 2 and 5 / m > 0"})~", "n bigint, m bigint",
              on_error::reject);
  unit.feed("[[0, 0], [1, 0], [2, 1]]").end();
  CHECK(unit.lines(0) == lines{"0|0"});
  CHECK(unit.lines(1) == lines{"2|1"});
  REQUIRE(unit.out.rejects.size() == 1);
  CHECK(unit.out.rejects[0].record == "1|0");
}

TEST_CASE("route passes a batch on as it is where one port takes it all") {
  runner unit("route", R"~({"all": "true"})~", "n bigint");
  const auto in = rows("n bigint", "[[1], [2]]");
  unit.feed(in).end();
  CHECK(unit.out.ports[0][0].data == in.data);
}

TEST_CASE("union matches columns by name and widens types") {
  runner unit("union", "{}",
              {{"a", schema_of("id integer, name text, amount decimal(5,2), at date, x real")},
               {"b", schema_of("x double, at timestamp, amount decimal(8,4), name text, id bigint")}});
  CHECK(unit.schema() == "id bigint, name text, amount decimal(8,4), at timestamp, x double");
  unit.feed(R"~([[1, "a", "1.25", 19000, 0.5]])~", 0);
  unit.feed(R"~([[0.25, 0, "1.2345", null, 9000000000]])~", 1);
  unit.end();
  CHECK(unit.lines() == lines{"1|a|1.2500|2022-01-08 00:00:00|0.5", "9000000000|null|1.2345|1970-01-01 00:00:00|0.25"});
  CHECK(!unit.unit().keeps_order());
}

TEST_CASE("union says which columns are missing where, and which types do not go together") {
  runner unit("union", "{}", {{"a", schema_of("id bigint, name text")}, {"b", schema_of("id text, nme text")}});
  REQUIRE(unit.faults.size() == 3);
  CHECK(unit.faults[0].code == "type_mismatch");
  CHECK(unit.faults[0].message ==
        "column id is bigint in a and text in b, and there is no type that holds both without loss");
  CHECK(unit.faults[1].message == "column name of a is not in b");
  CHECK(unit.faults[2].message == "column nme of b is not in a");
}

TEST_CASE("units with one input refuse several") {
  runner unit("filter", R"~("true")~", {{"a", schema_of("n bigint")}, {"b", schema_of("n bigint")}});
  CHECK(only_fault(unit) == "wrong_number_of_inputs /from");
}
