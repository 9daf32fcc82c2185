// unnest, flatten, nest, unpivot, pivot, fill, sample, intersect, except, surrogate_key.
#include "tests/support/collector.hpp"

#include <arrow/type.h>

using namespace sluice;
using namespace sluice::testing;

namespace {

std::string first_fault(const runner& unit) {
  return unit.faults.empty() ? "none" : unit.faults[0].code + " " + unit.faults[0].path + " " + unit.faults[0].message;
}

}  // namespace

TEST_CASE("unnest makes a row of each element and repeats the others") {
  runner unit("unnest", R"("l")", "a bigint, l bigint[], b text");
  unit.feed(R"~([[1, [10, null, 30], "x"], [2, [], "y"], [3, null, "z"], [4, [40], "w"]])~").end();
  CHECK(unit.lines() == lines{"1|10|x", "1|null|x", "1|30|x", "4|40|w"});
  CHECK(unit.out.added == 2);
  CHECK(unit.out.filtered == 2);
  runner outer("unnest", R"~({"column": "l", "as": "x", "ordinality": "n", "outer": true})~", "a bigint, l bigint[]");
  outer.feed("[[1, [10, 20]], [2, []], [3, null]]").end();
  CHECK(outer.lines() == lines{"1|10|1", "1|20|2", "2|null|null", "3|null|null"});
  CHECK(outer.unit().outputs()[0].schema->field_names() == std::vector<std::string>{"a", "x", "n"});
}

TEST_CASE("unnest reads slices, and cuts the rows of long lists into batches") {
  runner unit("unnest", R"("l")", "a bigint, l bigint[]");
  const auto in = rows(unit.request.inputs[0].schema, "[[1, [1]], [2, [2, 3]], [3, [4]]]");
  unit.feed(in.slice(1, 2)).end();
  CHECK(unit.lines() == lines{"2|2", "2|3", "3|4"});
  runner many("unnest", R"("l")", "l bigint[]");
  std::string list = "[0";
  for (int i = 1; i < 50'000; ++i) list += ",0";
  list += "]";
  many.feed("[[" + list + "], [" + list + "], [" + list + "]]").end();
  CHECK(many.out.out == 150'000);
  CHECK(many.out.ports[0].size() == 2);
}

TEST_CASE("unnest says what it wants") {
  CHECK(first_fault(runner("unnest", R"("a")", "a bigint"))
            .starts_with("type_mismatch /unnest unnest takes a list, found the column a of type bigint"));
  CHECK(first_fault(runner("unnest", R"~({"column": "lst"})~", "l bigint[]"))
            .starts_with("unknown_column /unnest/column"));
  CHECK(first_fault(runner("unnest", R"~({"column": "l", "as": "a"})~", "a bigint, l bigint[]"))
            .starts_with("duplicate_column /unnest"));
  runner unit("unnest", R"("l")", "a bigint, l bigint[], b text");
  CHECK(*unit.unit().required_columns(0, {"b"}) == lines{"l", "b"});
}

TEST_CASE("flatten makes columns of fields, to a depth; of a null struct they are null") {
  const std::string schema = "i bigint, c struct(id bigint, a struct(city text, zip text)), j bigint";
  const std::string data = R"~([[1, [10, ["K", "5"]], 7], [2, null, 8], [3, [11, null], 9]])~";
  runner unit("flatten", R"("c")", schema);
  unit.feed(data).end();
  CHECK(unit.unit().outputs()[0].schema->field_names() == std::vector<std::string>{"i", "c_id", "c_a", "j"});
  CHECK(unit.lines()[1] == "2|null|null|8");
  runner deep("flatten", R"~({"column": "c", "prefix": "", "depth": 2})~", schema);
  deep.feed(data).end();
  CHECK(deep.unit().outputs()[0].schema->field_names() == std::vector<std::string>{"i", "id", "a_city", "a_zip", "j"});
  CHECK(deep.lines() == lines{"1|10|K|5|7", "2|null|null|null|8", "3|11|null|null|9"});
  CHECK(first_fault(runner("flatten", R"~({"column": "c", "prefix": "i"})~", "id bigint, c struct(d bigint)"))
            .starts_with("duplicate_column /flatten"));
  CHECK(first_fault(runner("flatten", R"("i")", schema)).starts_with("type_mismatch /flatten"));
}

TEST_CASE("nest puts columns into a struct") {
  runner unit("nest", R"~({"as": "p", "columns": ["a", "c"]})~", "a bigint, b text, c double");
  unit.feed(R"~([[1, "x", 1.5], [null, "y", null]])~").end();
  CHECK(unit.lines() == lines{R"~(x|{"a":1,"c":1.5})~", R"~(y|{"a":null,"c":null})~"});
  CHECK(first_fault(runner("nest", R"~({"as": "b", "columns": ["a"]})~", "a bigint, b text"))
            .starts_with("duplicate_column /nest"));
}

TEST_CASE("unpivot makes rows of columns in their order, in a type that holds all") {
  runner unit("unpivot", R"~({"columns": ["jan", "feb"], "name": "month", "value": "amount"})~",
              "id bigint, jan integer, feb bigint, note text");
  unit.feed(R"~([[1, 10, 20, "a"], [2, null, 40, "b"]])~").end();
  CHECK(unit.lines() == lines{"1|a|jan|10", "1|a|feb|20", "2|b|jan|null", "2|b|feb|40"});
  CHECK(unit.out.added == 2);
  CHECK(first_fault(runner("unpivot", R"~({"columns": ["a", "b"]})~", "a bigint, b text"))
            .starts_with("type_mismatch /unpivot/columns/1"));
}

TEST_CASE("pivot makes columns of rows by aggregates with filters") {
  runner unit("pivot",
              R"~({"by": ["id"], "on": "m", "values": {"amount": "sum(v)", "n": "count(*)"}, "into": [1, 2]})~",
              "id bigint, m bigint, v bigint");
  unit.feed("[[7, 1, 10], [7, 2, 20], [8, 1, 30], [7, 1, 1], [8, 3, 9]]").end();
  CHECK(unit.unit().outputs()[0].schema->field_names() ==
        std::vector<std::string>{"id", "amount_1", "n_1", "amount_2", "n_2"});
  CHECK(unit.lines() == lines{"7|11|2|20|1", "8|30|1|null|0"});
  CHECK(first_fault(runner("pivot", R"~({"on": "m", "values": {"x": "sum(nope)"}, "into": [1, 2]})~", "m bigint")) ==
        "unknown_column /pivot/values/x there is no column nope");
  CHECK(first_fault(runner("pivot", R"~({"on": "m", "values": {"x": "count(*)"}})~", "m bigint"))
            .starts_with("invalid_option /pivot/into"));
}

TEST_CASE("fill takes the last value, the next one or a fixed one") {
  const std::string data =
      R"~([["a", 1, null], ["a", 3, 30], ["b", 2, null], ["a", 2, 20], ["a", 4, null], ["b", 1, 5]])~";
  runner last("fill", R"~({"columns": ["v"], "with": "last", "by": ["k"], "order": ["t"]})~",
              "k text, t bigint, v bigint");
  last.feed(data).end();
  CHECK(last.lines() == lines{"a|1|null", "a|2|20", "a|3|30", "a|4|30", "b|1|5", "b|2|5"});
  runner next("fill", R"~({"columns": ["v"], "with": "next", "by": ["k"], "order": ["t"]})~",
              "k text, t bigint, v bigint");
  next.feed(data).end();
  CHECK(next.lines() == lines{"a|1|20", "a|2|20", "a|3|30", "a|4|null", "b|1|5", "b|2|null"});
  runner value("fill", R"~({"columns": ["v"], "value": 0})~", "k text, t bigint, v bigint");
  value.feed(data).end();
  CHECK(value.lines()[0] == "a|1|0");
  CHECK(value.unit().keeps_order());
  runner text("fill", R"~({"columns": ["k"], "value": "it's"})~", "k text");
  text.feed("[[null]]").end();
  CHECK(text.lines() == lines{"it's"});
  CHECK(first_fault(runner("fill", R"~({"columns": ["v"]})~", "v bigint")).starts_with("invalid_option /fill"));
  CHECK(first_fault(runner("fill", R"~({"columns": ["v"], "value": "x"})~", "v bigint"))
            .starts_with("invalid_literal /fill/value"));
}

TEST_CASE("sample keeps so many rows, or a share, and the same for a seed") {
  const auto chosen = [](const std::string& own) {
    runner unit("sample", own, "v bigint");
    for (int part = 0; part < 10; ++part) {
      std::string json = "[";
      for (int i = 0; i < 1000; ++i) json += (i > 0 ? ",[" : "[") + std::to_string(part * 1000 + i) + "]";
      unit.feed(json + "]");
    }
    unit.end();
    CHECK(unit.out.out + unit.out.filtered == 10'000);
    return unit.lines();
  };
  const auto some = chosen(R"~({"rows": 100, "seed": 1})~");
  CHECK(some.size() == 100);
  CHECK(some == chosen(R"~({"rows": 100, "seed": 1})~"));
  CHECK(some != chosen(R"~({"rows": 100, "seed": 2})~"));
  // In the order of the input, and from all of it.
  CHECK(std::is_sorted(some.begin(), some.end(),
                       [](const auto& a, const auto& b) { return std::stoi(a) < std::stoi(b); }));
  CHECK(std::stoi(some.front()) < 1000);
  CHECK(std::stoi(some.back()) > 9000);
  const auto share = chosen(R"~({"share": "10%", "seed": 3})~");
  CHECK(share.size() > 850);
  CHECK(share.size() < 1150);
  CHECK(chosen(R"~({"share": 1})~").size() == 10'000);
  CHECK(chosen(R"~({"rows": 20000})~").size() == 10'000);
  CHECK(
      first_fault(runner("sample", R"~({"share": "200%"})~", "v bigint")).starts_with("invalid_option /sample/share"));
  CHECK(first_fault(runner("sample", R"~({})~", "v bigint")).starts_with("invalid_option /sample"));
}

TEST_CASE("intersect and except compare whole rows, nulls too, and give each once") {
  const std::vector<input_port> inputs = {{"a", schema_of("k bigint, t text")}, {"b", schema_of("t text, k integer")}};
  const auto run = [&](const std::string& name) {
    runner unit(name, "{}", inputs);
    unit.feed(R"~([["x", 1], [null, 2], ["z", null]])~", 1);
    unit.feed(R"~([[2, null], [1, "x"], [3, "q"], [1, "x"], [null, "z"], [3, "q"]])~", 0);
    unit.end();
    return unit.lines();
  };
  CHECK(run("intersect") == lines{"2|null", "1|x", "null|z"});
  CHECK(run("except") == lines{"3|q"});
  CHECK(first_fault(runner("except", "{}", {{"a", schema_of("k bigint")}, {"b", schema_of("j bigint")}}))
            .starts_with("unknown_column /except b has no column k"));
  CHECK(first_fault(runner("except", "{}", {{"a", schema_of("k bigint")}, {"b", schema_of("k text")}}))
            .starts_with("type_mismatch /except"));
  CHECK(first_fault(runner("except", "{}", {{"a", schema_of("k bigint")}}))
            .starts_with("wrong_number_of_inputs /except"));
}

TEST_CASE("surrogate keys are equal for equal values, of any width, and differ for null and empty") {
  const auto keys = [](const std::string& schema, const std::string& json) {
    runner unit("surrogate_key", R"~({"as": "sk", "of": ["a", "b"]})~", schema);
    unit.feed(json).end();
    std::vector<std::string> all;
    for (const auto& line : unit.lines()) all.push_back(line.substr(line.rfind('|') + 1));
    return all;
  };
  const auto wide = keys("a bigint, b text", R"~([[1, "x"], [1, null], [1, ""], [1, "x"], [2, "x"]])~");
  CHECK(wide[0].size() == 32);
  CHECK(wide[0].find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(wide[0] == wide[3]);
  CHECK(wide[1] != wide[2]);
  CHECK(wide[0] != wide[4]);
  CHECK(keys("a integer, b text", R"~([[1, "x"]])~")[0] == wide[0]);
  // Kept by files of earlier versions.
  CHECK(wide[0] == keys("a smallint, b text", R"~([[1, "x"]])~")[0]);
}
