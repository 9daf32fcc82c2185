#include "engine/operators/held_state.hpp"
#include "engine/operators/keys/group_index.hpp"
#include "tests/support/collector.hpp"

#include <arrow/scalar.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <variant>

using namespace sluice;
using namespace sluice::testing;

namespace {

const auto columns = "at timestamptz, k text, v bigint";

std::vector<input_port> timed(const std::string& schema = columns, event_time time = {.column = "at"}) {
  return {{"source", schema_of(schema), time}};
}

/// Feeds an aggregate with rows and watermarks, as the actor does.
class windowed {
 public:
  struct setup {
    on_error policy = on_error::fail;
    std::vector<std::string> read_ports = {};
    std::int64_t memory_bytes = std::int64_t{1} << 30;
  };
  windowed(const std::string& own, std::vector<input_port> inputs, const setup& how,
           const std::string& name = "aggregate")
      : context(test_context(how.memory_bytes)) {
    request.unit = "unit_under_test";
    request.inputs = std::move(inputs);
    request.own = options::parse(own);
    request.policy = how.policy;
    request.read_ports = how.read_ports;
    request.context = &context;
    under_test = find_component(component_kind::transform, name)->make_transform(request, faults);
    if (!faults.empty()) under_test = nullptr;  // at most a stand-in
  }
  windowed(const std::string& own, std::vector<input_port> inputs) : windowed(own, std::move(inputs), setup{}) {}

  transform& unit() {
    for (const auto& fault : faults) UNSCOPED_INFO(fault.to_string());
    REQUIRE(under_test != nullptr);
    return *under_test;
  }
  status try_feed(batch in) {
    fed += static_cast<std::uint64_t>(in.rows());
    SLUICE_TRY(unit().process(0, std::move(in), out));
    return drain();
  }
  windowed& feed(batch in) {
    must(try_feed(std::move(in)));
    return *this;
  }
  windowed& feed(const std::string& json) { return feed(rows(request.inputs[0].schema, json)); }
  windowed& time(std::int64_t watermark) {
    must(unit().on_time(watermark, out));
    must(drain());
    return *this;
  }
  windowed& barrier() {
    must(unit().before_barrier(1, out));
    must(drain());
    return *this;
  }
  /// The input ends; with `all_out` nothing may be held any more.
  windowed& end(bool all_out = true) {
    must(unit().finish(0, out));
    must(drain());
    INFO("in " << fed << " added " << out.added << " out " << out.out << " merged " << out.merged << " rejected "
               << out.rejects.size());
    if (all_out) CHECK(fed + out.added == out.out + out.filtered + out.merged + out.rejects.size());
    return *this;
  }
  [[nodiscard]] testing::lines lines(int port = 0) const { return out.lines(port); }
  [[nodiscard]] std::string schema(int port = 0) {
    return schema_text(*unit().outputs()[static_cast<std::size_t>(port)].schema);
  }

  run_context context;
  transform_request request;
  diagnostics faults;
  collector out;
  std::uint64_t fed = 0;
  std::unique_ptr<transform> under_test;

 private:
  status drain() {
    for (;;) {
      SLUICE_ASSIGN(const bool more, unit().resume(out));
      if (!more) return {};
    }
  }
};

/// 2024-05-01, a time of day.
std::int64_t today(const std::string& time) {
  const auto scalar = arrow::Scalar::Parse(arrow::timestamp(arrow::TimeUnit::MICRO), "2024-05-01 " + time).ValueOrDie();
  return static_cast<const arrow::TimestampScalar&>(*scalar).value;
}

/// Rows of (time of day, k, v).
batch some(std::initializer_list<std::tuple<const char*, const char*, int>> of) {
  std::string json = "[";
  for (const auto& [at, k, v] : of) {
    const auto time = *at == '\0' ? std::string("null") : "\"2024-05-01 " + std::string(at) + "\"";
    json += (json.size() > 1 ? ", [" : "[") + time + ", \"" + k + "\", " + std::to_string(v) + "]";
  }
  return with_positions(rows(columns, json + "]"), 1, 100);
}

batch rows_of_groups(const batch& in, key_groups range) {
  const auto keys = canonical_key(in.data->GetColumnByName("k")).value();
  const auto chosen = held::in_groups(range, {keys}, in.rows()).value();
  return take_rows(in, arrow::Int32Array(std::ssize(chosen), arrow::Buffer::Wrap(chosen)));
}

/// What each window of each key was emitted as last.
std::map<std::string, std::string> last_of_each(const lines& all) {
  std::map<std::string, std::string> last;
  for (const auto& line : all) {
    auto end = line.find('|');
    for (int columns_passed = 1; columns_passed < 3; ++columns_passed) end = line.find('|', end + 1);
    last[line.substr(0, end)] = line;
  }
  return last;
}

const auto per_minute =
    R"json({"by": ["k"], "window": {"tumble": "1m"}, "compute": {"n": "count(*)", "s": "sum(v)"}})json";

}  // namespace

TEST_CASE("a window is emitted once, when the watermark passes its end") {
  windowed unit(per_minute, timed());
  CHECK(unit.unit().needs_watermarks());
  CHECK(unit.schema() == "k text, window_start timestamptz, window_end timestamptz, n bigint, s bigint");
  unit.feed(some({{"10:00:10", "a", 1}, {"10:00:50", "b", 2}, {"10:01:05", "a", 4}, {"10:00:59.999999", "a", 8}}));
  CHECK(unit.lines().empty());
  unit.time(today("10:00:59.999999"));
  CHECK(unit.lines().empty());
  unit.time(today("10:01:00"));
  CHECK(unit.lines() == lines{"a|2024-05-01 10:00:00+00|2024-05-01 10:01:00+00|2|9",
                              "b|2024-05-01 10:00:00+00|2024-05-01 10:01:00+00|1|2"});
  unit.time(today("10:01:30"));
  CHECK(unit.lines().size() == 2);
  unit.time(end_of_time);
  CHECK(unit.lines().size() == 3);
  CHECK(unit.lines()[2] == "a|2024-05-01 10:01:00+00|2024-05-01 10:02:00+00|1|4");
  unit.end();
}

TEST_CASE("that an input ends does not fire open windows: only the watermark does") {
  windowed unit(per_minute, timed());
  unit.feed(some({{"10:00:10", "a", 1}}));
  unit.end(false);
  CHECK(unit.lines().empty());
  unit.time(end_of_time);
  CHECK(unit.lines().size() == 1);
}

TEST_CASE("windows leave by their end, whatever the order of rows") {
  windowed unit(R"json({"window": {"tumble": "1m"}, "compute": {"n": "count(*)"}})json", timed());
  unit.feed(some({{"10:05:00", "a", 1}, {"10:03:00", "a", 1}, {"10:04:00", "a", 1}}));
  unit.time(end_of_time).end();
  CHECK(unit.lines() == lines{"2024-05-01 10:03:00+00|2024-05-01 10:04:00+00|1",
                              "2024-05-01 10:04:00+00|2024-05-01 10:05:00+00|1",
                              "2024-05-01 10:05:00+00|2024-05-01 10:06:00+00|1"});
}

TEST_CASE("rows behind the watermark are rejects that say why, with their places, whatever on_error says") {
  windowed unit(per_minute, timed());
  unit.time(today("10:01:30"));
  unit.feed(some({{"10:00:59", "a", 1}, {"10:01:00", "a", 2}}));
  REQUIRE(unit.out.rejects.size() == 1);
  CHECK(unit.out.rejects[0].why.code == "late_row");
  CHECK(unit.out.rejects[0].why.column == "at");
  CHECK(unit.out.rejects[0].why.message.find("2024-05-01 10:00:59+00") != std::string::npos);
  CHECK(unit.out.rejects[0].why.message.find("watermark 2024-05-01 10:01:30+00") != std::string::npos);
  CHECK(unit.out.rejects[0].position == position{0, 1, 100});
  unit.time(end_of_time).end();
  CHECK(unit.lines() == lines{"a|2024-05-01 10:01:00+00|2024-05-01 10:02:00+00|1|2"});
}

TEST_CASE("late rows go to the port late with the input's columns, if somebody reads it") {
  windowed unit(per_minute, timed(), {.read_ports = {"late"}});
  REQUIRE(unit.unit().outputs().size() == 2);
  CHECK(unit.unit().outputs()[1].name == "late");
  CHECK(unit.schema(1) == columns);
  unit.time(today("10:01:00"));
  unit.feed(some({{"10:00:59", "a", 1}, {"10:01:01", "b", 2}}));
  CHECK(unit.lines(1) == lines{"2024-05-01 10:00:59+00|a|1"});
  CHECK(unit.out.rejects.empty());
  unit.time(end_of_time).end();
}

TEST_CASE("a row without an event time is an error of the row") {
  windowed strict(per_minute, timed());
  CHECK(strict.try_feed(some({{"", "a", 1}})).problem().code == "null_time");
  windowed rejecting(per_minute, timed(), {.policy = on_error::reject});
  rejecting.feed(some({{"", "a", 1}, {"10:00:00", "a", 2}})).time(end_of_time).end();
  CHECK(rejecting.lines() == lines{"a|2024-05-01 10:00:00+00|2024-05-01 10:01:00+00|1|2"});
  CHECK(rejecting.out.rejects[0].why.code == "null_time");
}

TEST_CASE("a row counts in every hopping window that is not complete") {
  windowed unit(R"json({"window": {"hop": "10m", "every": "5m"}, "compute": {"n": "count(*)"}})json", timed());
  unit.feed(some({{"10:07:00", "a", 1}, {"10:11:00", "a", 1}}));
  CHECK(unit.out.added == 2);
  unit.time(today("10:10:00"));
  CHECK(unit.lines() == lines{"2024-05-01 10:00:00+00|2024-05-01 10:10:00+00|1"});
  // Too late for the first of its windows, not for the second.
  unit.feed(some({{"10:06:00", "a", 1}}));
  CHECK(unit.out.rejects.empty());
  unit.time(end_of_time).end();
  CHECK(unit.lines() == lines{"2024-05-01 10:00:00+00|2024-05-01 10:10:00+00|1",
                              "2024-05-01 10:05:00+00|2024-05-01 10:15:00+00|3",
                              "2024-05-01 10:10:00+00|2024-05-01 10:20:00+00|1"});
}

TEST_CASE("a row with an error is rejected once, however many windows it is in") {
  windowed unit(
      R"json({"window": {"hop": "10m", "every": "5m"}, "compute": {"n": "count(*)", "s": "sum(10 / v)"}})json", timed(),
      {.policy = on_error::reject});
  unit.feed(some({{"10:07:00", "a", 0}, {"10:08:00", "a", 5}})).time(end_of_time).end();
  CHECK(unit.out.rejects.size() == 1);
  CHECK(unit.lines() == lines{"2024-05-01 10:00:00+00|2024-05-01 10:10:00+00|1|2",
                              "2024-05-01 10:05:00+00|2024-05-01 10:15:00+00|1|2"});
}

TEST_CASE("with allowed_lateness a complete window takes late rows and is emitted again") {
  windowed unit(
      R"json({"by": ["k"], "window": {"tumble": "1m", "allowed_lateness": "2m"}, "compute": {"s": "sum(v)"}})json",
      timed());
  unit.feed(some({{"10:00:10", "a", 1}})).time(today("10:01:00"));
  CHECK(unit.lines() == lines{"a|2024-05-01 10:00:00+00|2024-05-01 10:01:00+00|1"});
  unit.feed(some({{"10:00:20", "a", 2}, {"10:00:30", "b", 5}}));
  CHECK(unit.lines().size() == 1);
  unit.time(today("10:01:10"));
  CHECK(unit.lines() == lines{"a|2024-05-01 10:00:00+00|2024-05-01 10:01:00+00|1",
                              "a|2024-05-01 10:00:00+00|2024-05-01 10:01:00+00|3",
                              "b|2024-05-01 10:00:00+00|2024-05-01 10:01:00+00|5"});
  unit.feed(some({{"10:00:40", "a", 4}})).time(today("10:03:00"));
  CHECK(unit.lines().back() == "a|2024-05-01 10:00:00+00|2024-05-01 10:01:00+00|7");
  // Now it is closed.
  unit.feed(some({{"10:00:50", "a", 8}}));
  CHECK(unit.out.rejects.size() == 1);
  unit.time(end_of_time).end();
  CHECK(unit.lines().size() == 4);
}

TEST_CASE("changed windows are emitted before a barrier") {
  windowed unit(R"json({"window": {"tumble": "1m", "allowed_lateness": "2m"}, "compute": {"s": "sum(v)"}})json",
                timed());
  unit.feed(some({{"10:00:10", "a", 1}})).time(today("10:01:00"));
  unit.feed(some({{"10:00:20", "a", 2}}));
  unit.barrier();
  CHECK(unit.lines().back() == "2024-05-01 10:00:00+00|2024-05-01 10:01:00+00|3");
}

TEST_CASE("a session is what follows each other within the gap, also where a late row connects two") {
  windowed unit(R"json({"by": ["k"], "window": {"session": "10m"}, "compute": {"n": "count(*)", "f": "first(v)"}})json",
                timed());
  unit.feed(some({{"10:00:00", "a", 1}, {"10:15:00", "a", 2}, {"10:00:00", "b", 3}, {"10:10:00", "b", 4}}));
  unit.feed(some({{"10:07:00", "a", 5}}));
  unit.time(today("10:15:00"));
  // Ten minutes after its last row a session is over: b has two.
  CHECK(unit.lines() == lines{"b|2024-05-01 10:00:00+00|2024-05-01 10:10:00+00|1|3"});
  unit.feed(some({{"10:21:00", "a", 6}}));
  unit.time(end_of_time).end();
  CHECK(unit.lines() == lines{"b|2024-05-01 10:00:00+00|2024-05-01 10:10:00+00|1|3",
                              "b|2024-05-01 10:10:00+00|2024-05-01 10:20:00+00|1|4",
                              "a|2024-05-01 10:00:00+00|2024-05-01 10:31:00+00|4|1"});
}

TEST_CASE("a row whose session is over is late, one that joins an open session is not") {
  windowed unit(R"json({"window": {"session": "10m"}, "compute": {"n": "count(*)"}})json", timed());
  unit.feed(some({{"10:00:00", "a", 1}, {"10:30:00", "a", 1}})).time(today("10:35:00"));
  CHECK(unit.lines().size() == 1);
  unit.feed(some({{"10:02:00", "a", 1}, {"10:22:00", "a", 1}}));
  CHECK(unit.out.rejects.size() == 1);
  unit.time(end_of_time).end();
  CHECK(unit.lines().back() == "2024-05-01 10:22:00+00|2024-05-01 10:40:00+00|2");
}

TEST_CASE("with allowed_lateness a session takes late rows and is emitted again under the same begin") {
  windowed unit(
      R"json({"by": ["k"], "window": {"session": "10m", "allowed_lateness": "1h"}, "compute": {"n": "count(*)", "s": "sum(v)"}})json",
      timed());
  const auto behind = [&](std::ptrdiff_t count) {
    const auto all = unit.lines();
    return lines(all.begin() + count, all.end());
  };
  unit.feed(some({{"10:00:00", "a", 1}, {"10:30:00", "a", 2}, {"10:31:00", "a", 2}})).time(today("10:45:00"));
  CHECK(unit.lines() == lines{"a|2024-05-01 10:00:00+00|2024-05-01 10:10:00+00|1|1",
                              "a|2024-05-01 10:30:00+00|2024-05-01 10:41:00+00|2|4"});
  // It gets a later end, and another key a session of its own.
  unit.feed(some({{"10:08:00", "a", 4}, {"10:12:00", "a", 8}, {"10:00:00", "b", 5}}));
  unit.time(today("10:46:00"));
  CHECK(behind(2) == lines{"b|2024-05-01 10:00:00+00|2024-05-01 10:10:00+00|1|5",
                           "a|2024-05-01 10:00:00+00|2024-05-01 10:22:00+00|3|13"});
  // These would give a session another begin, or make one of two: what was emitted would stay beside it.
  unit.feed(some({{"09:55:00", "a", 16}, {"10:21:00", "a", 32}}));
  CHECK(unit.out.rejects.size() == 2);
  // One that is not over becomes part of a session that was emitted; then that is over, later.
  unit.feed(some({{"10:49:00", "a", 128}, {"10:40:00", "a", 64}}));
  unit.barrier();
  CHECK(unit.lines().size() == 4);
  unit.time(today("10:59:00"));
  CHECK(behind(4) == lines{"a|2024-05-01 10:30:00+00|2024-05-01 10:59:00+00|4|196"});
  unit.feed(some({{"10:50:00", "a", 256}}));
  unit.barrier();
  CHECK(unit.unit().held() == 1);  // it ends at 11:00
  unit.time(today("11:00:00"));
  CHECK(behind(5) == lines{"a|2024-05-01 10:30:00+00|2024-05-01 11:00:00+00|5|452"});
  unit.feed(some({{"10:31:00", "a", 512}}));
  unit.barrier();
  CHECK(behind(6) == lines{"a|2024-05-01 10:30:00+00|2024-05-01 11:00:00+00|6|964"});
  CHECK(unit.unit().held() == 0);
  // An hour after its end nothing is taken any more.
  unit.time(today("12:00:00"));
  unit.feed(some({{"10:31:00", "a", 1}}));
  CHECK(unit.out.rejects.size() == 3);
  unit.time(end_of_time).end();
  CHECK(unit.lines().size() == 7);
}

TEST_CASE("windows of windows: a row of a window happened before its end") {
  windowed unit(
      R"json({"window": {"tumble": "30m"}, "compute": {"s": "sum(n)"}})json",
      timed("window_start timestamptz, window_end timestamptz, n bigint", {.column = "window_end", .is_end = true}));
  unit.time(today("10:45:00"));
  unit.feed(
      R"([["2024-05-01 10:00:00", "2024-05-01 11:00:00", 5], ["2024-05-01 11:00:00", "2024-05-01 11:30:00", 7]])");
  CHECK(unit.out.rejects.empty());
  unit.time(end_of_time).end();
  CHECK(unit.lines() ==
        lines{"2024-05-01 10:30:00+00|2024-05-01 11:00:00+00|5", "2024-05-01 11:00:00+00|2024-05-01 11:30:00+00|7"});
}

TEST_CASE("timestamps without a zone have windows of the same kind") {
  windowed unit(R"json({"window": {"tumble": "1h"}, "compute": {"n": "count(*)"}})json",
                timed("at timestamp, k text, v bigint"));
  unit.feed(R"([["2024-05-01 10:59:00", "a", 1]])").time(end_of_time).end();
  CHECK(unit.schema() == "window_start timestamp, window_end timestamp, n bigint");
  CHECK(unit.lines() == lines{"2024-05-01 10:00:00|2024-05-01 11:00:00|1"});
}

TEST_CASE("what a window can't be is refused, with the form that it can have") {
  const auto fault = [](const std::string& window, std::vector<input_port> inputs = timed()) {
    windowed unit(R"json({"compute": {"n": "count(*)"}, "window": )json" + window + "}", std::move(inputs));
    REQUIRE(unit.faults.size() == 1);
    CHECK(unit.faults[0].path.starts_with("/aggregate/window"));
    CHECK_FALSE(unit.faults[0].hint.empty());
    return unit.faults[0].code;
  };
  CHECK(fault(R"({"tumble": "1m"})", {{"source", schema_of(columns)}}) == "no_event_time");
  CHECK(fault(R"({})") == "invalid_option");
  CHECK(fault(R"({"tumble": "1m", "session": "1m"})") == "invalid_option");
  CHECK(fault(R"({"hop": "5m"})") == "invalid_option");
  CHECK(fault(R"({"hop": "5m", "every": "6m"})") == "invalid_option");
  CHECK(fault(R"({"hop": "30d", "every": "1s"})") == "invalid_option");
  CHECK(fault(R"({"tumble": "1m", "every": "1m"})") == "invalid_option");
  CHECK(fault(R"({"tumble": "0s"})") == "invalid_option");
}

TEST_CASE("memory for what waits for its time is bounded: an error names the unit, and how less is held") {
  windowed windows(per_minute, timed(), {.memory_bytes = 256 * 1024});
  windowed keys(R"json({"by": ["k"], "within": "1h"})json", timed(), {.memory_bytes = 256 * 1024}, "deduplicate");
  for (auto* const unit : {&windows, &keys}) {
    status fed;
    for (int turn = 0; turn < 200 && fed.ok(); ++turn) {
      std::string json = "[";
      for (int row = 0; row < 500; ++row)
        json += (row > 0 ? ", " : "") + std::string("[\"2024-05-01 10:00:00\", \"") + std::to_string(turn * 500 + row) +
                "\", 1]";
      fed = unit->try_feed(rows(columns, json + "]"));
    }
    REQUIRE_FALSE(fed.ok());
    CHECK(fed.problem().code == "memory_exceeded");
    CHECK(fed.problem().message.find("unit_under_test") != std::string::npos);
    CHECK(fed.problem().hint.find("a shorter within, a lower out_of_order") != std::string::npos);
  }
}

TEST_CASE("windows that are complete leave no trace: an input without end needs no more and more memory") {
  windowed unit(per_minute, timed());
  std::int64_t early = 0;
  const auto start = today("00:00:00");
  for (int minute = 0; minute < 1000; ++minute) {
    const auto begin = start + minute * 60'000'000LL;
    std::string json = "[";
    for (int key = 0; key < 100; ++key)
      json += (key > 0 ? ", " : "") + std::string("[") + std::to_string(begin + key) + ", \"key" +
              std::to_string(minute * 100 + key) + "\", 1]";
    unit.feed(rows(columns, json + "]")).time(begin + 30'000'000);
    if (minute == 100) early = unit.context.memory->reserved();
  }
  CHECK(unit.context.memory->reserved() < 2 * early);
  unit.time(end_of_time).end();
  CHECK(unit.lines().size() == 100'000);
}

TEST_CASE("open windows are handed over by key group, and go on with the same result at every point") {
  using event = std::variant<batch, std::int64_t>;
  const std::vector<event> events = {
      some({{"10:00:10", "a", 1}, {"10:00:50", "b", 2}, {"10:12:00", "c", 4}}),
      today("10:01:00"),
      some({{"10:00:20", "a", 3}, {"10:01:30", "a", 5}, {"10:02:10", "b", 5}, {"10:03:10", "b", 5}}),
      today("10:02:05"),
      some({{"10:01:59", "c", 9}, {"10:02:10", "a", 7}, {"10:02:30", "b", 7}}),
      today("10:14:00"),
      some({{"10:13:00", "a", 1}, {"10:14:30", "a", 2}}),
      end_of_time};
  for (
      const auto* own :
      {R"json({"by": ["k"], "window": {"tumble": "1m"}, "compute": {"n": "count(*)", "d": "count(distinct v)", "f": "first(v)"}})json",
       R"json({"by": ["k"], "window": {"hop": "2m", "every": "1m"}, "compute": {"s": "sum(v)", "l": "last(v)"}})json",
       R"json({"by": ["k"], "window": {"tumble": "1m", "allowed_lateness": "1m"}, "compute": {"s": "sum(v)"}})json",
       R"json({"by": ["k"], "window": {"session": "1m"}, "compute": {"n": "count(*)", "s": "sum(v)", "f": "first(v)"}})json",
       R"json({"by": ["k"], "window": {"session": "1m", "allowed_lateness": "20m"}, "compute": {"n": "count(*)", "s": "sum(v)"}})json"}) {
    const auto feed = [](windowed& to, const event& one) {
      if (const auto* time = std::get_if<std::int64_t>(&one)) return void(to.time(*time));
      to.feed(std::get<batch>(one));
    };
    windowed whole(own, timed(), {.policy = on_error::reject});
    for (const auto& one : events) feed(whole, one);
    whole.end();
    for (std::size_t cut = 0; cut <= events.size(); ++cut) {
      INFO(own << ", handed over before event " << cut);
      windowed first(own, timed(), {.policy = on_error::reject});
      for (std::size_t i = 0; i < cut; ++i) feed(first, events[i]);
      first.barrier();
      // Two instances take over half of the groups each; every row goes to the one that has its key.
      auto all = first.lines();
      auto rejected = first.out.rejects.size();
      for (const key_groups range : {key_groups{0, 512}, key_groups{512, 1024}}) {
        windowed next(own, timed(), {.policy = on_error::reject});
        must(next.unit().restore(must(first.unit().state(range))));
        for (std::size_t i = cut; i < events.size(); ++i) {
          if (const auto* in = std::get_if<batch>(&events[i])) {
            feed(next, event(rows_of_groups(*in, range)));
          } else {
            feed(next, events[i]);
          }
        }
        next.end(false);
        auto some_lines = next.lines();
        all.insert(all.end(), some_lines.begin(), some_lines.end());
        rejected += next.out.rejects.size();
      }
      CHECK(last_of_each(all) == last_of_each(whole.lines()));
      CHECK(rejected == whole.out.rejects.size());
    }
  }
}

TEST_CASE("deduplicate within drops what was kept a short time before or after, and forgets behind the watermark") {
  windowed unit(R"json({"by": ["k"], "within": "10m"})json", timed(), {}, "deduplicate");
  CHECK(unit.unit().needs_watermarks());
  unit.feed(some({{"10:00:00", "a", 1}, {"10:09:59", "a", 2}, {"10:10:00", "a", 3}, {"10:05:00", "b", 4}}));
  unit.feed(some({{"09:50:01", "a", 5}, {"09:50:00", "a", 6}}));
  CHECK(unit.lines() == lines{"2024-05-01 10:00:00+00|a|1", "2024-05-01 10:10:00+00|a|3", "2024-05-01 10:05:00+00|b|4",
                              "2024-05-01 09:50:00+00|a|6"});
  unit.time(today("10:20:00"));
  unit.feed(some({{"10:19:59", "a", 7}, {"10:20:00", "a", 8}}));
  CHECK(unit.lines().size() == 5);
  REQUIRE(unit.out.rejects.size() == 1);
  CHECK(unit.out.rejects[0].why.code == "late_row");
  unit.time(end_of_time).end();
}

TEST_CASE("what deduplicate within remembers is handed over, and does not grow") {
  const auto own = R"json({"by": ["k"], "within": "1m"})json";
  windowed first(own, timed(), {}, "deduplicate");
  const auto start = today("00:00:00");
  std::int64_t early = 0;
  for (int minute = 0; minute < 500; ++minute) {
    std::string json = "[";
    for (int key = 0; key < 100; ++key)
      json += (key > 0 ? ", " : "") + std::string("[") + std::to_string(start + minute * 60'000'000LL) + ", \"key" +
              std::to_string(minute * 100 + key) + "\", 1]";
    first.feed(rows(columns, json + "]")).time(start + minute * 60'000'000LL);
    if (minute == 100) early = first.context.memory->reserved();
  }
  CHECK(first.context.memory->reserved() < 2 * early);
  windowed next(own, timed(), {}, "deduplicate");
  must(next.unit().restore(must(first.unit().state({}))));
  next.feed("[[" + std::to_string(start + 499 * 60'000'000LL) + ", \"key49900\", 2], [" +
            std::to_string(start + 499 * 60'000'000LL) + ", \"other\", 2]]");
  CHECK(next.lines().size() == 1);
}
