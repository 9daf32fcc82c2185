#include "engine/component/spilled_state.hpp"

#include "engine/flow/state_file.hpp"
#include "engine/runs/unit_state.hpp"
#include "tests/support/collector.hpp"

#include <arrow/compute/api_scalar.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <random>

using namespace sluice;
using namespace sluice::testing;

namespace {

constexpr std::int64_t little = 256 * 1024;

struct spilling {
  std::string name;
  std::string own;
  int inputs = 1;
  bool in_order = true;  ///< the rows come out in the same order
  bool divides = true;   ///< its state can be handed out by key group
  std::int64_t memory = little;
  int batch_rows = 400;
};

/// An event: rows of an input, or its end.
struct event {
  int input = 0;
  batch rows = {};
};

std::vector<input_port> ports_of(const spilling& what) {
  if (what.inputs == 1) return {{"source", schema_of("k bigint, n bigint, t text")}};
  return {{"l", schema_of("k bigint, n bigint, t text")}, {"r", schema_of("k bigint, m bigint, u text")}};
}

/// Many keys, texts of some length; the right of a join has ended before most of the left comes.
std::vector<event> events_of(const spilling& what, std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto ports = ports_of(what);
  std::vector<event> all;
  std::uint64_t sequence = 0;
  const auto add = [&](int input, int first) {
    arrow::Int64Builder k, n;
    arrow::StringBuilder t;
    for (int row = 0; row < what.batch_rows; ++row) {
      const bool fine = k.Append(static_cast<std::int64_t>(random() % 9000)).ok() && n.Append(first + row).ok() &&
                        t.Append(std::string(20 + random() % 60, static_cast<char>('a' + random() % 26))).ok();
      REQUIRE(fine);
    }
    auto rows = batch_of(ports[static_cast<std::size_t>(input)].schema,
                         {k.Finish().ValueOrDie(), n.Finish().ValueOrDie(), t.Finish().ValueOrDie()});
    rows = with_positions(std::move(rows), static_cast<std::uint32_t>(input), first);
    if (input == 0) rows.order = {.split = 0, .sequence = sequence++};
    all.push_back({input, std::move(rows)});
  };
  for (int turn = 0; turn < 24; ++turn) {
    if (what.inputs == 2 && turn < 12) add(1, turn * what.batch_rows);
    add(0, turn * what.batch_rows);
    if (what.inputs == 2 && turn == 11) all.push_back({1, {}});
  }
  all.push_back({0, {}});
  return all;
}

void feed(runner& to, const event& what) {
  if (what.rows.data) {
    must(to.try_feed(what.rows, what.input));
  } else {
    must(to.try_end(what.input));
  }
}

/// Everything that a transform holds of a range, through a file.
flow::saved_state hand_out(runner& from, key_groups of, const std::string& folder, const std::string& name,
                           bool& spilled) {
  const auto to = must(flow::state_writer::open(folder, name));
  for (const auto& part : must(from.unit().state(of))) must(to->add(part));
  auto* const disk = dynamic_cast<spilled_state*>(&from.unit());
  REQUIRE(disk != nullptr);
  if (disk->has_spilled()) {
    spilled = true;
    must(disk->hand_out(of, [&](const state_part& part) { return to->add({"spilled/" + part.name, part.rows}); }));
  }
  return must(to->finish());
}

void take_back(runner& to, const std::string& folder, const std::vector<flow::saved_state>& states) {
  std::vector<state_part> disk;
  for (const auto& one : states) {
    std::vector<state_part> parts;
    must(flow::read_parts(folder, one, [&](state_part part) -> status {
      const bool spilled = part.name.rfind("spilled/", 0) == 0;
      if (spilled) part.name.erase(0, 8);
      (spilled ? disk : parts).push_back(std::move(part));
      return {};
    }));
    must(to.unit().restore(parts));
  }
  for (const auto& part : disk) must(dynamic_cast<spilled_state&>(to.unit()).take_in(part));
}

struct outcome {
  lines rows;
  std::uint64_t filtered = 0, merged = 0, added = 0;

  void add(const runner& from, bool in_order) {
    for (auto& line : from.lines()) rows.push_back(line);
    if (!in_order) std::sort(rows.begin(), rows.end());
    filtered += from.out.filtered;
    merged += from.out.merged;
    added += from.out.added;
  }
  bool operator==(const outcome&) const = default;
};

void check_balance(runner& one, std::uint64_t before) {
  CHECK(before + one.fed + one.out.added == one.out.out + one.out.filtered + one.out.merged + one.unit().held());
}

/// Rows that come out at a barrier.
lines at_barrier(runner& from) {
  from.out.ports.clear();
  must(from.unit().before_barrier(1, from.out));
  while (must(from.unit().resume(from.out))) {
  }
  auto rows = from.lines();
  std::sort(rows.begin(), rows.end());
  return rows;
}

void make_endless(runner& one) {
  one.request.endless = true;
  one.under_test = find_component(component_kind::transform, "aggregate")->make_transform(one.request, one.faults);
  REQUIRE(one.under_test != nullptr);
}

}  // namespace

TEST_CASE("groups on disk below a source without end are given when they have changed, and are part of a checkpoint") {
  const spilling what{
      .name = "aggregate",
      .own =
          R"json({"by": ["k"], "compute": {"n": "count(*)", "t": "max(t)", "d": "count(distinct t)", "l": "last(n)"}})json",
      .batch_rows = 8000};
  auto events = events_of(what, 7);
  events.pop_back();  // it has no end
  runner unbroken(what.name, what.own, ports_of(what), {});
  make_endless(unbroken);
  // Little memory; each time another instance goes on, of two halves of the state.
  const test::temporary_folder folder;
  auto short_of_memory =
      std::make_unique<runner>(what.name, what.own, ports_of(what), runner::setup{.memory_bytes = little});
  make_endless(*short_of_memory);
  bool spilled = false;
  for (std::size_t at = 0; at < events.size(); ++at) {
    INFO("event " << at);
    feed(unbroken, events[at]);
    feed(*short_of_memory, events[at]);
    check_balance(*short_of_memory, 0);
    if (at % 4 != 2) continue;
    CHECK(at_barrier(*short_of_memory) == at_barrier(unbroken));
    CHECK(short_of_memory->unit().held() == 0);
    check_balance(*short_of_memory, 0);
    CHECK(at_barrier(*short_of_memory).empty());
    const auto name = std::to_string(at);
    const std::vector<flow::saved_state> states = {
        hand_out(*short_of_memory, {0, 400}, folder.path().string(), name + "a", spilled),
        hand_out(*short_of_memory, {400, key_group_count}, folder.path().string(), name + "b", spilled)};
    auto next = std::make_unique<runner>(what.name, what.own, ports_of(what), runner::setup{.memory_bytes = little});
    make_endless(*next);
    take_back(*next, folder.path().string(), states);
    CHECK(next->unit().held() == 0);
    short_of_memory = std::move(next);
  }
  CHECK(at_barrier(*short_of_memory) == at_barrier(unbroken));
  CHECK(spilled);
}

TEST_CASE("an instance goes on with what two have held below a source without end, one of which had groups on disk") {
  const spilling what{.name = "aggregate",
                      .own = R"json({"by": ["k"], "compute": {"n": "count(*)", "t": "max(t)"}})json"};
  auto some = events_of(what, 3);
  auto others = events_of(what, 4);
  for (auto* events : {&some, &others}) events->pop_back();
  for (auto& one : others) {  // keys of its own
    const auto keys = arrow::compute::Add(one.rows.data->column(0), arrow::Datum(std::int64_t{10'000})).ValueOrDie();
    one.rows.data = one.rows.data->SetColumn(0, one.rows.data->schema()->field(0), keys.make_array()).ValueOrDie();
  }
  runner unbroken(what.name, what.own, ports_of(what), {});
  runner on_disk(what.name, what.own, ports_of(what), {.memory_bytes = little});
  runner in_memory(what.name, what.own, ports_of(what), {});
  runner next(what.name, what.own, ports_of(what), {.memory_bytes = little});
  for (auto* one : {&unbroken, &on_disk, &in_memory, &next}) make_endless(*one);
  bool spilled = false;
  const auto half = some.size() / 2;
  for (std::size_t at = 0; at < half; ++at) {
    for (auto* one : {&unbroken, &on_disk}) feed(*one, some[at]);
    for (auto* one : {&unbroken, &in_memory}) feed(*one, others[at]);
  }
  (void)at_barrier(unbroken);
  for (auto* one : {&on_disk, &in_memory}) (void)at_barrier(*one);
  const test::temporary_folder folder;
  const auto place = folder.path().string();
  const auto first = hand_out(on_disk, {}, place, "a", spilled);
  REQUIRE(spilled);
  bool second_spilled = false;
  const auto second = hand_out(in_memory, {}, place, "b", second_spilled);
  REQUIRE(!second_spilled);
  must(restore_unit(next.unit(), place, first));
  must(restore_unit(next.unit(), place, second));
  for (auto at = half; at < some.size(); ++at)
    for (auto* one : {&unbroken, &next}) {
      feed(*one, some[at]);
      feed(*one, others[at]);
    }
  CHECK(at_barrier(next) == at_barrier(unbroken));
}

TEST_CASE("what has gone to disk is handed over to another instance, which goes on with the same result") {
  const std::vector<spilling> all = {
      {.name = "sort", .own = R"json(["t desc", "k"])json"},
      {.name = "deduplicate", .own = R"json(["k"])json"},
      {.name = "deduplicate", .own = R"json({"by": ["k"], "order": ["t", "n desc"]})json"},
      {.name = "aggregate",
       .own = R"json({"by": ["k"], "compute": {"n": "count(*)", "t": "max(t)", "f": "first(t)", "l": "last(n)"}})json"},
      {.name = "aggregate", .own = R"json({"by": ["k"], "compute": {"d": "count(distinct t)", "s": "sum(n)"}})json"},
      // Many groups are handed out part by part, whether or not there is memory for them.
      {.name = "aggregate",
       .own = R"json({"by": ["n"], "compute": {"t": "max(t)", "f": "first(k)"}})json",
       .memory = std::int64_t{1} << 30,
       .batch_rows = 2500},
      {.name = "steps",
       .own = R"json([{"filter": "n % 7 <> 0"}, {"sort": ["t", "n"]}, {"limit": 5000}])json",
       .divides = false},
      {.name = "join", .own = R"json({"using": ["k"]})json", .inputs = 2, .divides = false},
      {.name = "join", .own = R"json({"how": "left", "using": ["k"]})json", .inputs = 2, .divides = false},
      {.name = "join", .own = R"json({"how": "semi", "using": ["k"]})json", .inputs = 2, .divides = false},
      {.name = "join", .own = R"json({"how": "anti", "on": "l.k = r.k and n < m"})json", .inputs = 2, .divides = false},
      {.name = "join", .own = R"json({"how": "right", "using": ["k"]})json", .inputs = 2, .in_order = false},
      {.name = "join", .own = R"json({"how": "full", "using": ["k"]})json", .inputs = 2, .in_order = false},
      // Window functions hold a batch of what they have sorted.
      {.name = "derive",
       .own = R"json({"at": "row_number() over (partition by k order by t, n)"})json",
       .memory = 6 * little,
       .batch_rows = 1000},
  };
  for (std::uint32_t seed = 1; const auto& what : all) {
    INFO(what.name << " " << what.own);
    const auto events = events_of(what, seed++);
    outcome whole;
    {
      runner unbroken(what.name, what.own, ports_of(what), {});
      for (const auto& one : events) feed(unbroken, one);
      whole.add(unbroken, what.in_order);
    }
    bool spilled = false;
    for (std::size_t cut = 2; cut < events.size(); cut += 5) {
      INFO("taken over before event " << cut);
      const test::temporary_folder folder;
      runner first(what.name, what.own, ports_of(what), {.memory_bytes = what.memory});
      for (std::size_t at = 0; at < cut; ++at) feed(first, events[at]);
      check_balance(first, 0);
      std::vector<flow::saved_state> states;
      if (what.divides) {
        states.push_back(hand_out(first, {0, 400}, folder.path().string(), "a", spilled));
        states.push_back(hand_out(first, {400, key_group_count}, folder.path().string(), "b", spilled));
      } else {
        states.push_back(hand_out(first, {}, folder.path().string(), "a", spilled));
      }
      const auto held = first.unit().held();
      // The same memory, or as much as is wanted.
      runner second(what.name, what.own, ports_of(what),
                    {.memory_bytes = cut % 2 == 0 ? what.memory : std::int64_t{1} << 30});
      take_back(second, folder.path().string(), states);
      CHECK(second.unit().held() == held);
      for (std::size_t at = 0; at < cut; ++at)
        if (!events[at].rows.data) must(second.try_end(events[at].input));
      for (auto at = cut; at < events.size(); ++at) feed(second, events[at]);
      check_balance(second, held);
      outcome parts;
      parts.add(first, what.in_order);
      parts.add(second, what.in_order);
      if (!(parts.rows == whole.rows)) {
        CHECK(parts.rows.size() == whole.rows.size());
        std::sort(parts.rows.begin(), parts.rows.end());
        auto sorted = whole.rows;
        std::sort(sorted.begin(), sorted.end());
        if (parts.rows == sorted) FAIL("the rows have another order");
        FAIL("there are other rows");
      }
      CHECK(parts.filtered == whole.filtered);
      CHECK(parts.merged == whole.merged);
      CHECK(parts.added == whole.added);
    }
    CHECK(spilled);
  }
}

TEST_CASE("a file of a state that was damaged is found before any part of it is taken back") {
  const test::temporary_folder folder;
  runner from("sort", R"json(["t"])json", {{"source", schema_of("k bigint, n bigint, t text")}},
              {.memory_bytes = little});
  for (const auto& one : events_of({.name = "sort", .own = ""}, 1))
    if (one.rows.data) feed(from, one);
  bool spilled = false;
  const auto saved = hand_out(from, {}, folder.path().string(), "a", spilled);
  REQUIRE(spilled);
  must(flow::check_state(folder.path().string(), saved));
  {
    std::fstream file(folder.path().string() + "/a", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(saved.bytes) - 1000);
    file.put('!');
  }
  int taken = 0;
  const auto read = flow::read_parts(folder.path().string(), saved, [&](const state_part&) -> status {
    ++taken;
    return {};
  });
  CHECK(read.problem().code == "checkpoint_damaged");
  CHECK(taken == 0);
}
