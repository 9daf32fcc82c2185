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
  bool may_refuse = false;  ///< at some point what it holds can't be handed out
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
  auto in = with_positions(rows(to.request.inputs[static_cast<std::size_t>(input)].schema, text), 0, at * 100);
  in.order = {.split = 0, .sequence = sequence};
  must(to.try_feed(std::move(in), input));
}

/// Sequences of the batches: neighbours swapped, for batches of parallel readers come in any order.
std::uint32_t sequence_of(std::size_t at) { return static_cast<std::uint32_t>(at ^ 1U); }

struct outcome {
  std::vector<std::string> lines;
  std::vector<std::uint64_t> positions;
  std::uint64_t filtered = 0, merged = 0, added = 0;

  void add(const collector& from) {
    for (auto& line : from.lines()) lines.push_back(line);
    if (!from.ports.empty())
      for (const auto& part : from.ports[0])
        for (std::int64_t row = 0; part.positions && row < part.rows(); ++row)
          positions.push_back(part.positions->Value(row));
    filtered += from.filtered;
    merged += from.merged;
    added += from.added;
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

/// The same, another instance taking over before the event `cut`; nothing where the state was refused.
std::optional<outcome> handed_over_at(const handed_over& what, std::size_t cut) {
  runner first(what.name, what.own, ports_of(what), {.policy = what.policy});
  for (std::size_t at = 0; at < cut; ++at) feed_one(first, what, at, sequence_of(at));
  runner second(what.name, what.own, ports_of(what), {.policy = what.policy});
  for (const key_groups range : {key_groups{0, 300}, key_groups{300, key_group_count}}) {
    auto parts = first.unit().state(range);
    if (!parts.ok() && what.may_refuse) {
      CHECK(parts.problem().code == "not_supported");
      return std::nullopt;
    }
    must(second.unit().restore(must(std::move(parts))));
  }
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
     R"([[1, "a", 0.1, "1.50", true, "1.5"], [2, "b", 1e100, "2.25", null, "-7.25"], [3, null, -0.0, null, false, null]])"},
    {0,
     R"([[4, "a", null, "-1.00", true, "12345678901234567890123456789012345678901234567.891"], [5, "c", 3.5, "9.99", false, "0.001"]])"},
    {0,
     R"([[6, "b", -1e100, "0.01", true, "2"], [7, "a", 0.2, "3.00", null, null], [8, "d", 2.5, "4.00", null, "1"]])"},
    {0,
     R"([[9, null, 1e-300, "5.55", true, "5"], [10, "a", 0.3, "7.77", false, "6"], [2, "b", 7.5, "8.88", true, "7"]])"},
    {0, "end"}};

std::vector<handed_over> all_cases() {
  std::vector<handed_over> all = {
      {"limit", "7", {orders}, orders_arriving},
      {"deduplicate", R"(["k"])", {orders}, orders_arriving},
      {"deduplicate", R"(["k", "b"])", {orders}, orders_arriving},
      {"deduplicate", R"({"by": ["k"], "order": ["x desc", "d"]})", {orders}, orders_arriving},
      {"deduplicate", R"({"by": ["b"], "order": ["id desc"]})", {orders}, orders_arriving},
      {"sort", R"(["k desc", "x"])", {orders}, orders_arriving},
      {"sort", R"(["d % 2", "b"])", {orders}, orders_arriving},
      {"aggregate",
       R"x({"by": ["k"], "compute": {"n": "count(*)", "nx": "count(x)", "sx": "sum(x)", "ax": "avg(x)", "si": "sum(id)",
           "ai": "avg(id)", "sd": "sum(d)", "sw": "sum(w)", "lo": "min(k)", "hi": "max(x)", "ld": "min(d)", "hw": "max(w)",
           "every_b": "bool_and(b)", "any_b": "bool_or(b)", "f": "first(x)", "l": "last(id)", "a": "any_value(b)",
           "v": "stddev(x)", "dist": "count(distinct b)", "sdist": "sum(distinct id)",
           "fil": "sum(id) filter (where x > 0)", "cf": "count(*) filter (where b)",
           "df": "count(distinct k) filter (where id > 3)"}})x",
       {orders},
       orders_arriving},
      {"aggregate",
       R"x({"compute": {"n": "count(*)", "s": "sum(x)", "d": "count(distinct k)", "l": "last(k)"}})x",
       {orders},
       orders_arriving},
      {"aggregate",
       R"x({"by": ["k", "b"], "compute": {"n": "count(*)", "f": "first(d)"}})x",
       {orders},
       orders_arriving},
      {"steps",
       R"x([{"filter": "id <> 5"}, {"aggregate": {"by": ["k"], "compute": {"s": "sum(d)"}}}, {"sort": ["s"]}, {"limit": 3}])x",
       {orders},
       orders_arriving},
      {"steps", R"([{"sort": ["x"]}, {"derive": {"y": "id + 1"}}])", {orders}, orders_arriving, true, on_error::reject},
      {"filter", R"("id > 3")", {orders}, orders_arriving},
      {"derive", R"({"y": "id * 2"})", {orders}, orders_arriving},
      {"select", R"(["k", "id"])", {orders}, orders_arriving},
      {"drop", R"(["x"])", {orders}, orders_arriving},
      {"rename", R"({"k": "key"})", {orders}, orders_arriving},
      {"cast", R"({"id": "text"})", {orders}, orders_arriving},
      {"route", R"({"big": "id > 5", "default": "rest"})", {orders}, orders_arriving},
      {"union",
       R"({})",
       {"id bigint", "id bigint"},
       {{0, "[[1]]"}, {1, "[[2]]"}, {0, "end"}, {1, "[[3]]"}, {1, "end"}}},
  };
  const std::vector<std::pair<int, std::string>> joining = {{1, R"([[1, "one"], [2, "two"]])"},
                                                            {0, R"([["x", 1], ["y", 2], ["z", null]])"},
                                                            {1, R"([[2, "zwei"], [3, "three"], [null, "none"]])"},
                                                            {0, R"([["u", 3], ["v", 9]])"},
                                                            {1, "end"},
                                                            {0, R"([["w", 2], ["x", 4]])"},
                                                            {0, R"([["q", 1]])"},
                                                            {0, "end"}};
  for (const std::string how : {"inner", "left", "semi", "anti", "right", "full"})
    all.push_back({"join",
                   R"({"how": ")" + how + R"(", "using": ["id"]})",
                   {"name text, id bigint", "id bigint, word text"},
                   joining,
                   how == "right" || how == "full"});
  all.push_back({"join",
                 R"({"how": "left", "on": "source.id = other.number"})",
                 {"name text, id integer", "number bigint, word text"},
                 joining});
  return all;
}

}  // namespace

TEST_CASE("a transform hands what it holds over to another instance, which goes on with the same result") {
  std::set<std::string> tried;
  for (const auto& what : all_cases()) {
    tried.insert(what.name);
    const auto whole = in_one_go(what);
    std::size_t handed = 0;
    for (std::size_t cut = 0; cut <= what.arriving.size(); ++cut) {
      INFO(what.name << " " << what.own << ", taken over before event " << cut);
      const auto parts = handed_over_at(what, cut);
      if (!parts) continue;
      ++handed;
      CHECK(parts->lines == whole.lines);
      CHECK(parts->positions == whole.positions);
      // The first instance has counted rows that it merged; the second one counts only its own.
      CHECK(parts->filtered == whole.filtered);
      CHECK(parts->merged == whole.merged);
      CHECK(parts->added == whole.added);
    }
    CHECK(handed > 0);
  }
  for (const auto* one : components())
    if (one->spec.kind == component_kind::transform) {
      INFO(one->spec.name);
      CHECK(tried.count(one->spec.name) == 1);
    }
}

TEST_CASE("state is handed out by key group: ranges divide it, and together they are all of it") {
  runner from("aggregate", R"x({"by": ["id"], "compute": {"n": "count(*)"}})x", "id bigint");
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

TEST_CASE("what has gone to disk is refused by name, not left out") {
  const std::string id_and_text = "id bigint, t text";
  for (const auto& [name, own] : std::vector<std::pair<std::string, std::string>>{
           {"sort", R"(["t"])"},
           {"deduplicate", R"(["id"])"},
           {"deduplicate", R"({"by": ["id"], "order": ["t"]})"},
           {"aggregate", R"x({"by": ["id"], "compute": {"n": "max(t)"}})x"}}) {
    INFO(name << " " << own);
    runner little(name, own, {{"source", schema_of(id_and_text)}}, {.memory_bytes = 256 * 1024});
    bool refused = false;
    for (int turn = 0; turn < 200 && !refused; ++turn) {
      std::string many = "[";
      for (int row = 0; row < 500; ++row)
        many += (row == 0 ? "[" : ", [") + std::to_string(turn * 500 + row) + ", \"" + std::string(100, 'x') + "\"]";
      little.feed(many + "]");
      const auto parts = little.unit().state({});
      if (parts.ok()) continue;
      CHECK(parts.problem().code == "not_supported");
      refused = true;
    }
    CHECK(refused);
  }
}

TEST_CASE("state that is not its own is refused") {
  runner filter("filter", R"("id > 1")", "id bigint");
  runner limit("limit", "3", "id bigint");
  const auto parts = must(limit.unit().state({}));
  CHECK(filter.unit().restore(parts).problem().code == "foreign_state");
  CHECK(filter.unit().restore({}).ok());
}
