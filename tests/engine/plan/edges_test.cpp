#include "engine/plan/edges.hpp"

#include "engine/plan/prune.hpp"

#include <arrow/type.h>

#include <catch2/catch.hpp>

using namespace sluice;

namespace {

/// What a fake unit says of itself.
struct traits {
  bool keeps_order = true;
  bool needs_order = false;
  partitioning spread = {};
  std::optional<std::vector<std::string>> reads = std::vector<std::string>{};  ///< besides what is wanted; nullopt: all
};

class fake_transform final : public transform {
 public:
  fake_transform(traits is, std::vector<output_port> ports) : is_(std::move(is)), ports_(std::move(ports)) {}
  const std::vector<output_port>& outputs() const override { return ports_; }
  partitioning input_partitioning(int) const override { return is_.spread; }
  bool needs_order() const override { return is_.needs_order; }
  bool keeps_order() const override { return is_.keeps_order; }
  std::optional<std::vector<std::string>> required_columns(int, const std::vector<std::string>& wanted) const override {
    if (!is_.reads) return {};
    auto all = *is_.reads;
    all.insert(all.end(), wanted.begin(), wanted.end());
    return all;
  }
  status process(int, batch, emitter&) override { return {}; }

 private:
  traits is_;
  std::vector<output_port> ports_;
};

const auto columns = arrow::schema({arrow::field("name", arrow::utf8()), arrow::field("id", arrow::int64()),
                                    arrow::field("flag", arrow::boolean()), arrow::field("amount", arrow::float64())});

/// Builds a draft unit by unit, all with the same columns.
struct drafted {
  draft of;

  int add(unit_role role, const std::string& name, std::vector<input_reference> inputs,
          std::unique_ptr<transform> bound = {}, std::optional<int> parallelism = {}) {
    planned_unit unit;
    unit.definition.role = role;
    unit.definition.name = name;
    unit.definition.component = "fake";
    unit.definition.parallelism = parallelism;
    unit.policy = role == unit_role::extract ? on_error::reject : on_error::fail;
    for (const auto& input : inputs) unit.inputs.push_back({"in", columns}), (void)input;
    if (bound) unit.outputs = bound->outputs();
    if (role == unit_role::extract) unit.outputs = {{"", columns}};
    of.made.units.push_back(std::move(unit));
    of.inputs.push_back(std::move(inputs));
    of.transforms.push_back(std::move(bound));
    of.missing.emplace_back();
    of.in_doubt.push_back(false);
    of.unordered.push_back(false);
    return static_cast<int>(of.made.units.size()) - 1;
  }
  int source(std::optional<int> readers = {}) { return add(unit_role::extract, "in", {}, {}, readers); }
  int unit(std::vector<input_reference> inputs, traits is, int parallelism = 1) {
    return add(unit_role::transform, "t" + std::to_string(of.inputs.size()), std::move(inputs),
               std::make_unique<fake_transform>(std::move(is), std::vector<output_port>{{"", columns}}), parallelism);
  }
  int sink(int from) { return add(unit_role::load, "out", {{from}}); }
  unit_definition& definition(int unit) { return of.made.units[static_cast<std::size_t>(unit)].definition; }

  const plan& finish() {
    diagnostics faults;
    choose_parallelism(of, faults);
    REQUIRE(faults.empty());
    choose_positions(of);
    connect(of);
    return of.made;
  }
};

const partitioning by_id{partitioning::kind::by_keys, {"id"}, {arrow::int64()}};

}  // namespace

TEST_CASE("a row-wise pipeline from one source arrives in its order") {
  drafted d;
  const int in = d.source(4);
  const int filter = d.unit({{in}}, {}, 2);
  const int derive = d.unit({{filter}}, {}, 2);
  d.sink(derive);
  const auto& edges = d.finish().edges;
  CHECK(edges[0].kind == edge_kind::round_robin);
  CHECK(edges[1].kind == edge_kind::forward);
  CHECK(edges[2].kind == edge_kind::forward);
  CHECK(edges[0].ordered);
  CHECK_FALSE(edges[0].restore_order);  // a filter does not care
  CHECK(edges[2].ordered);
  CHECK(edges[2].restore_order);
}

TEST_CASE("order: any releases the order") {
  drafted d;
  const int in = d.source();
  d.definition(in).any_order = true;
  d.sink(in);
  const auto& edges = d.finish().edges;
  CHECK_FALSE(edges[0].ordered);
  CHECK_FALSE(edges[0].restore_order);
}

TEST_CASE("a unit that depends on order gets it") {
  drafted d;
  const int limit = d.unit({{d.source()}}, {.keeps_order = true, .needs_order = true});
  d.sink(limit);
  const auto& edges = d.finish().edges;
  CHECK(edges[0].restore_order);
}

TEST_CASE("keyed units with several instances are fed by hash, and order ends there") {
  drafted d;
  const int in = d.source(2);
  const int distinct = d.unit({{in}}, {.needs_order = true, .spread = by_id}, 3);
  const int filter = d.unit({{distinct}}, {});
  d.sink(filter);
  const auto& edges = d.finish().edges;
  CHECK(edges[0].kind == edge_kind::hash);
  CHECK(edges[0].keys == std::vector<std::string>{"id"});
  CHECK(edges[0].key_types.size() == 1);
  CHECK(edges[0].restore_order);  // within what each instance gets
  CHECK_FALSE(edges[1].ordered);
  CHECK_FALSE(edges[2].restore_order);
}

TEST_CASE("a unit that makes a new order numbers it afresh where it is alone") {
  drafted one;
  const int sort = one.unit({{one.source()}}, {.keeps_order = false, .spread = {partitioning::kind::single}});
  one.sink(sort);
  CHECK(one.finish().edges[1].restore_order);

  drafted several;
  const int aggregate = several.unit({{several.source()}}, {.keeps_order = false, .spread = by_id}, 2);
  several.sink(aggregate);
  CHECK_FALSE(several.finish().edges[1].ordered);
}

TEST_CASE("the order of a join is that of its first input") {
  drafted d;
  const int left = d.source();
  const int right = d.source();
  d.definition(right).any_order = true;
  const int join = d.unit({{left}, {right}}, {});
  d.sink(join);
  CHECK(d.finish().edges[2].ordered);

  drafted e;
  const int first = e.source();
  e.definition(first).any_order = true;
  const int second = e.source();
  const int joined = e.unit({{first}, {second}}, {});
  e.sink(joined);
  CHECK_FALSE(e.finish().edges[2].ordered);
}

TEST_CASE("a unit that can't run in parallel runs alone, with a warning") {
  drafted d;
  const int limit = d.unit({{d.source()}}, {.spread = {partitioning::kind::single}}, 4);
  d.sink(limit);
  const auto& made = d.finish();
  CHECK(made.units[static_cast<std::size_t>(limit)].parallelism == 1);
  REQUIRE(made.warnings.size() == 1);
  CHECK(made.warnings[0].code == "not_parallel");
}

TEST_CASE("several instances of a sink are refused") {
  drafted d;
  const int out = d.sink(d.source());
  d.definition(out).parallelism = 2;
  diagnostics faults;
  choose_parallelism(d.of, faults);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].code == "not_supported_yet");
}

TEST_CASE("only batches above a unit that names or rejects single rows carry positions") {
  drafted d;
  const int in = d.source();
  const int other = d.source();
  const int above = d.unit({{in}}, {});
  const int failing = d.unit({{above}}, {});
  const int below = d.unit({{failing}}, {});
  d.sink(below);
  d.sink(other);
  d.of.made.units[static_cast<std::size_t>(above)].policy = on_error::set_null;
  d.of.made.units[static_cast<std::size_t>(below)].policy = on_error::set_null;
  const auto& units = d.finish().units;
  CHECK(units[static_cast<std::size_t>(in)].want_positions);
  CHECK(units[static_cast<std::size_t>(above)].want_positions);
  CHECK_FALSE(units[static_cast<std::size_t>(failing)].want_positions);
  CHECK_FALSE(units[static_cast<std::size_t>(below)].want_positions);
  CHECK_FALSE(units[static_cast<std::size_t>(other)].want_positions);
}

TEST_CASE("sources read only what is used below them") {
  const auto needed = [](std::optional<std::vector<std::string>> aggregate_reads, on_error policy = on_error::fail) {
    drafted d;
    const int in = d.source();
    const int filter = d.unit({{in}}, {.reads = std::vector<std::string>{"flag"}});
    d.of.made.units[static_cast<std::size_t>(filter)].policy = policy;
    // An aggregate gives new columns: of what is wanted below it, none comes from its input.
    class summing final : public transform {
     public:
      explicit summing(std::optional<std::vector<std::string>> reads) : reads_(std::move(reads)) {}
      const std::vector<output_port>& outputs() const override { return ports_; }
      std::optional<std::vector<std::string>> required_columns(int, const std::vector<std::string>&) const override {
        return reads_;
      }
      status process(int, batch, emitter&) override { return {}; }

     private:
      std::optional<std::vector<std::string>> reads_;
      std::vector<output_port> ports_{{"", columns}};
    };
    const int sum =
        d.add(unit_role::transform, "sum", {{filter}}, std::make_unique<summing>(std::move(aggregate_reads)));
    d.sink(sum);
    return needed_columns(d.of)[static_cast<std::size_t>(in)];
  };
  using names = std::vector<std::string>;
  CHECK(needed(names{"amount"}) == names{"flag", "amount"});  // in the schema's order
  CHECK(needed(names{}) == names{"flag"});
  CHECK(needed({}) == names{});                                 // all
  CHECK(needed(names{"amount", "id", "name"}) == names{});      // all, one by one
  CHECK(needed(names{"amount"}, on_error::reject) == names{});  // a reject shows its whole record
}

TEST_CASE("where only rows are counted the cheapest column is read") {
  drafted d;
  const int in = d.source();
  d.unit({{in}}, {});  // nothing below wants anything
  CHECK(needed_columns(d.of)[static_cast<std::size_t>(in)] == std::vector<std::string>{"flag"});
}
