#include "engine/values/positions.hpp"
#include "tests/support/collector.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace sluice;
using namespace sluice::testing;

namespace {

/// A transform, and what comes to it: batches of rows as JSON, by input; "end" ends an input.
struct handed_over {
  std::string name;
  std::string own;
  std::vector<std::string> inputs;
  std::vector<std::pair<int, std::string>> arriving;
  on_error policy = on_error::fail;
};

std::vector<input_port> ports_of(const handed_over& what) {
  std::vector<input_port> ports;
  for (std::size_t i = 0; i < what.inputs.size(); ++i)
    ports.push_back({i == 0 ? "source" : "other", schema_of(what.inputs[i])});
  return ports;
}

void feed_one(runner& to, const handed_over& what, std::size_t at, std::uint32_t sequence) {
  const auto& [input, text] = what.arriving[at];
  if (text == "end") {
    must(to.try_end(input));
    return;
  }
  // Places beyond 20, 36 and 32 bits.
  const auto offset = (std::int64_t{1} << 40) + static_cast<std::int64_t>(at) * 100;
  auto in = with_positions(rows(to.request.inputs[static_cast<std::size_t>(input)].schema, text), 1U << 31, offset);
  in.order = {.split = 0, .sequence = (std::uint64_t{1} << 33) + sequence};
  must(to.try_feed(std::move(in), input));
}

/// Sequences of the batches: neighbours swapped, for batches of parallel readers come in any order.
std::uint32_t sequence_of(std::size_t at) { return static_cast<std::uint32_t>(at ^ 1U); }

struct outcome {
  std::vector<std::string> lines;
  std::vector<position> positions;
  std::vector<std::string> rejects;
  std::uint64_t filtered = 0, merged = 0, added = 0, rejected = 0;

  void add(const collector& from) {
    for (auto& line : from.lines()) lines.push_back(line);
    if (!from.ports.empty())
      for (const auto& part : from.ports[0])
        for (std::int64_t row = 0; part.positions && row < part.rows(); ++row)
          positions.push_back(position_at(*part.positions, row));
    for (const auto& one : from.rejects) rejects.push_back(one.record);
    filtered += from.filtered;
    merged += from.merged;
    added += from.added;
    rejected += from.rejects.size();
  }
  bool operator==(const outcome&) const = default;
};

outcome in_one_go(const handed_over& what) {
  runner whole(what.name, what.own, ports_of(what), {.policy = what.policy});
  for (std::size_t at = 0; at < what.arriving.size(); ++at) feed_one(whole, what, at, sequence_of(at));
  outcome made;
  made.add(whole.out);
  return made;
}

/// The same, another instance taking over before the event `cut`.
outcome handed_over_at(const handed_over& what, std::size_t cut) {
  runner first(what.name, what.own, ports_of(what), {.policy = what.policy});
  for (std::size_t at = 0; at < cut; ++at) feed_one(first, what, at, sequence_of(at));
  runner second(what.name, what.own, ports_of(what), {.policy = what.policy});
  std::vector<std::vector<state_part>> states;
  for (const key_groups range : {key_groups{0, 300}, key_groups{300, key_group_count}}) {
    auto parts = first.unit().state(range);
    if (!parts.ok()) {
      // A join that doesn't keep the keys of its right rows can't divide them; all of them together it can.
      CHECK(parts.problem().code == "not_supported");
      states.clear();
      parts = first.unit().state({});
      states.push_back(must(std::move(parts)));
      break;
    }
    states.push_back(std::move(parts).value());
  }
  for (const auto& parts : states) must(second.unit().restore(parts));
  // Inputs that had ended end again.
  for (std::size_t at = 0; at < cut; ++at)
    if (what.arriving[at].second == "end") must(second.try_end(what.arriving[at].first));
  for (auto at = cut; at < what.arriving.size(); ++at) feed_one(second, what, at, sequence_of(at));
  outcome made;
  made.add(first.out);
  made.add(second.out);
  return made;
}

const std::string orders = "id bigint, k text, x double, d decimal(12,2), b boolean, w decimal(50,3)";
const std::vector<std::pair<int, std::string>> orders_arriving = {
    {0,
     R"([[1, "a", 0.1, "1.50", true, "1.500"], [2, "b", 1e100, "2.25", null, "-7.250"], [3, null, -0.0, null, false, null]])"},
    {0,
     R"([[4, "a", null, "-1.00", true, "12345678901234567890123456789012345678901234567.891"], [5, "c", 3.5, "9.99", false, "0.001"]])"},
    {0,
     R"([[6, "b", -1e100, "0.01", true, "2.000"], [7, "a", 0.2, "3.00", null, null], [8, "d", 2.5, "4.00", null, "1.000"]])"},
    {0,
     R"([[9, null, 1e-300, "5.55", true, "5.000"], [10, "a", 0.3, "7.77", false, "6.000"], [2, "b", 7.5, "8.88", true, "7.000"]])"},
    {0, "end"}};

std::vector<handed_over> all_cases() {
  const std::string every_function = R"json({"by": ["k"], "compute": {"n": "count(*)", "nx": "count(x)", "sx": "sum(x)",
    "ax": "avg(x)", "si": "sum(id)", "ai": "avg(id)", "sd": "sum(d)", "sw": "sum(w)", "lo": "min(k)", "hi": "max(x)",
    "ld": "min(d)", "hw": "max(w)", "every_b": "bool_and(b)", "any_b": "bool_or(b)", "f": "first(x)", "l": "last(id)",
    "a": "any_value(b)", "v": "stddev(x)", "dist": "count(distinct b)", "sdist": "sum(distinct id)",
    "fil": "sum(id) filter (where x > 0)", "cf": "count(*) filter (where b)",
    "df": "count(distinct k) filter (where id > 3)"}})json";
  const std::string one_group =
      R"json({"compute": {"n": "count(*)", "s": "sum(x)", "d": "count(distinct k)", "l": "last(k)"}})json";
  const std::string two_keys = R"json({"by": ["k", "b"], "compute": {"n": "count(*)", "f": "first(d)"}})json";
  const std::string steps = R"json([{"filter": "id <> 5"}, {"aggregate": {"by": ["k"], "compute": {"s": "sum(d)"}}},
    {"sort": ["s"]}, {"limit": 3}])json";
  const std::string rejecting = R"json([{"sort": ["x"]}, {"derive": {"y": "10 / (id - 4)"}}])json";
  std::vector<handed_over> all = {
      {"limit", "7", {orders}, orders_arriving},
      {"deduplicate", R"json(["k"])json", {orders}, orders_arriving},
      {"deduplicate", R"json(["k", "b"])json", {orders}, orders_arriving},
      {"deduplicate", R"json({"by": ["k"], "order": ["x desc", "d"]})json", {orders}, orders_arriving},
      {"deduplicate", R"json({"by": ["b"], "order": ["id desc"]})json", {orders}, orders_arriving},
      {"sort", R"json(["k desc", "x"])json", {orders}, orders_arriving},
      {"sort", R"json(["d % 2", "b"])json", {orders}, orders_arriving},
      {"aggregate", every_function, {orders}, orders_arriving},
      {"aggregate", one_group, {orders}, orders_arriving},
      {"aggregate", two_keys, {orders}, orders_arriving},
      {"steps", steps, {orders}, orders_arriving},
      {"steps", rejecting, {orders}, orders_arriving, on_error::reject},
      {"steps",
       R"json([{"deduplicate": {"by": ["k"], "order": ["x"]}}, {"derive": {"y": "10 / (id - 4)"}}])json",
       {orders},
       orders_arriving,
       on_error::reject},
      {"filter", R"json("id > 3")json", {orders}, orders_arriving},
      {"derive", R"json({"y": "id * 2"})json", {orders}, orders_arriving},
      {"select", R"json(["k", "id"])json", {orders}, orders_arriving},
      {"drop", R"json(["x"])json", {orders}, orders_arriving},
      {"rename", R"json({"k": "key"})json", {orders}, orders_arriving},
      {"cast", R"json({"id": "text"})json", {orders}, orders_arriving},
      {"route", R"json({"big": "id > 5", "default": "rest"})json", {orders}, orders_arriving},
      {"derive",
       R"json({"n": "sum(id) over (partition by k order by x)", "m": "lag(x) over (order by id)"})json",
       {orders},
       orders_arriving},
      {"select",
       R"json([{"at": "row_number() over (partition by k order by id desc)"}])json",
       {orders},
       orders_arriving},
      {"fill",
       R"json({"columns": ["x"], "with": "last", "by": ["k"], "order": ["id"]})json",
       {orders},
       orders_arriving},
      {"fill", R"json({"columns": ["x"], "value": 0})json", {orders}, orders_arriving},
      {"sample", R"json({"rows": 4, "seed": 1})json", {orders}, orders_arriving},
      {"sample", R"json({"share": "50%", "seed": 1})json", {orders}, orders_arriving},
      {"validate",
       R"json({"once": {"unique": ["k"], "severity": "reject"}, "few": {"not_null": ["x"], "allow": 9},
               "small": {"range": {"id": [0, 8]}}, "all": {"rows": [11, 11]}})json",
       {orders},
       orders_arriving},
      {"reconcile",
       R"json({"key": ["n"]})json",
       {"n bigint, t text", "t text, n integer"},
       {{0, R"json([[1, "a"], [2, null]])json"},
        {1, R"json([["c", 3]])json"},
        {0, R"json([[3, "c"]])json"},
        {1, R"json([["a", 1], [null, 2]])json"},
        {0, "end"},
        {1, "end"}}},
      {"pivot",
       R"json({"by": ["k"], "on": "b", "values": {"s": "sum(id)"}, "into": [true, false]})json",
       {orders},
       orders_arriving},
      {"unpivot", R"json({"columns": ["d", "w"], "name": "what", "value": "number"})json", {orders}, orders_arriving},
      {"mask", R"json({"k": "hash", "x": "redact"})json", {orders}, orders_arriving},
      {"encrypt",
       R"json({"columns": ["k"], "key": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
               "key_id": "k1", "joinable": true})json",
       {orders},
       orders_arriving},
      {"decrypt",
       R"json({"columns": ["t"], "key": "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
               "key_id": "k1"})json",
       {"id bigint, t text"},
       {{0, R"json([[1, null]])json"}, {0, R"json([[2, null]])json"}, {0, "end"}}},
      {"surrogate_key", R"json({"as": "key", "of": ["id", "k"]})json", {orders}, orders_arriving},
      {"nest", R"json({"as": "inside", "columns": ["k", "x"]})json", {orders}, orders_arriving},
      {"flatten",
       R"json("s")json",
       {"s struct(a bigint, b text)"},
       {{0, R"json([[[1, "x"]], [null]])json"}, {0, R"json([[[2, "y"]]])json"}, {0, "end"}}},
      {"unnest",
       R"json("l")json",
       {"id bigint, l bigint[]"},
       {{0, R"json([[1, [1, 2]], [2, []], [3, null]])json"}, {0, R"json([[4, [7]]])json"}, {0, "end"}}},
      {"union", "{}", {"id bigint", "id bigint"}, {{0, "[[1]]"}, {1, "[[2]]"}, {0, "end"}, {1, "[[3]]"}, {1, "end"}}},
  };
  const std::vector<std::pair<int, std::string>> joining = {
      {1, R"json([[1, "one"], [2, "two"]])json"},
      {0, R"json([["x", 1], ["y", 2], ["z", null]])json"},
      {1, R"json([[2, "zwei"], [3, "three"], [null, "none"]])json"},
      {0, R"json([["u", 3], ["v", 9]])json"},
      {1, "end"},
      {0, R"json([["w", 2], ["x", 4]])json"},
      {0, R"json([["q", 1]])json"},
      {0, "end"}};
  for (const std::string how : {"inner", "left", "semi", "anti", "right", "full"})
    all.push_back({"join",
                   R"json({"how": ")json" + how + R"json(", "using": ["id"]})json",
                   {"name text, id bigint", "id bigint, word text"},
                   joining});
  for (const std::string what : {"intersect", "except"})
    all.push_back({what,
                   "{}",
                   {"id bigint, t text", "id integer, t text", "id bigint, t text"},
                   {{0, R"json([[1, "a"], [2, "b"], [1, "a"]])json"},
                    {1, R"json([[2, "b"], [1, "a"], [9, null]])json"},
                    {0, R"json([[3, null], [4, "d"]])json"},
                    {2, R"json([[3, null], [1, "a"], [2, "b"]])json"},
                    {1, "end"},
                    {0, R"json([[5, "e"], [2, "b"]])json"},
                    {0, "end"},
                    {2, R"json([[5, "f"]])json"},
                    {2, "end"}}});
  all.push_back({"join",
                 R"json({"how": "left", "on": "source.id = other.number"})json",
                 {"name text, id integer", "number bigint, word text"},
                 joining});
  return all;
}

}  // namespace

TEST_CASE("a transform hands what it holds over to another instance, which goes on with the same result") {
  std::set<std::string> tried;
  for (const auto& what : all_cases()) {
    tried.insert(what.name);
    auto whole = in_one_go(what);
    // Rows of different key groups have no order among them, which shows where rows wait.
    const auto in_any_order = [&](outcome& of) {
      if (what.name != "join") return;
      std::sort(of.lines.begin(), of.lines.end());
      std::sort(of.positions.begin(), of.positions.end());
    };
    in_any_order(whole);
    for (std::size_t cut = 0; cut <= what.arriving.size(); ++cut) {
      INFO(what.name << " " << what.own << ", taken over before event " << cut);
      auto parts = handed_over_at(what, cut);
      in_any_order(parts);
      CHECK(parts.lines == whole.lines);
      CHECK(parts.positions == whole.positions);
      // The first instance has counted rows that it merged; the second one counts only its own.
      CHECK(parts.filtered == whole.filtered);
      CHECK(parts.merged == whole.merged);
      CHECK(parts.added == whole.added);
      CHECK(parts.rejected == whole.rejected);
      CHECK(parts.rejects == whole.rejects);
    }
  }
  for (const auto* one : components())
    // Statements become other transforms before anything runs.
    if (one->spec.kind == component_kind::transform && one->spec.name != "sql") {
      INFO(one->spec.name);
      CHECK(tried.count(one->spec.name) == 1);
    }
}

TEST_CASE("state is handed out by key group: ranges divide it, and together they are all of it") {
  runner from("aggregate", R"json({"by": ["id"], "compute": {"n": "count(*)"}})json", "id bigint");
  std::string many = "[";
  for (int id = 0; id < 500; ++id) many += (id == 0 ? "[" : ", [") + std::to_string(id) + "]";
  from.feed(many + "]");
  std::int64_t groups = 0;
  for (std::uint32_t begin = 0; begin < key_group_count; begin += 256) {
    const auto parts = must(from.unit().state({begin, begin + 256}));
    for (const auto& part : parts)
      if (part.name == "groups") {
        CHECK(part.rows->num_rows() > 50);
        groups += part.rows->num_rows();
      }
  }
  CHECK(groups == 500);
}

TEST_CASE("state that is not its own is refused") {
  runner filter("filter", R"json("id > 1")json", "id bigint");
  runner limit("limit", "3", "id bigint");
  const auto parts = must(limit.unit().state({}));
  CHECK(filter.unit().restore(parts).problem().code == "foreign_state");
  CHECK(filter.unit().restore({}).ok());
}

TEST_CASE("transforms that give their rows at the end of the input count them as held and say that they need it") {
  const std::vector<std::pair<std::string, std::string>> waiting = {
      {"derive", R"json({"n": "count(*) over ()"})json"},
      {"fill", R"json({"columns": ["id"], "with": "next"})json"},
      {"sample", R"json({"rows": 2})json"},
      {"sort", R"json(["id"])json"}};
  for (const auto& [name, own] : waiting) {
    INFO(name);
    runner unit(name, own, "id bigint");
    CHECK(unit.unit().needs_end(0).has_value());
    unit.feed("[[1], [2], [3]]");
    CHECK(unit.unit().held() == 3);
    unit.end();
    CHECK(unit.unit().held() == 0);
  }
  runner both("except", "{}", {{"source", schema_of("id bigint")}, {"other", schema_of("id bigint")}});
  CHECK(both.unit().needs_end(1).has_value());
  both.feed("[[1], [2]]").feed("[[2]]", 1).end(0);
  CHECK(both.unit().held() == 3);
  both.end();
  CHECK(both.unit().held() == 0);
}
