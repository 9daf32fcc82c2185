#include "engine/component/transform.hpp"
#include "engine/flow/inbox.hpp"
#include "engine/flow/outbox.hpp"

#include <arrow/api.h>
#include <catch2/catch.hpp>

#include <map>

using namespace sluice;
using namespace sluice::flow;

namespace {

std::shared_ptr<arrow::Schema> numbers() { return arrow::schema({arrow::field("n", arrow::int64())}); }

batch one_row(order_key key = {}) {
  batch made;
  made.data =
      arrow::RecordBatch::Make(numbers(), 1, {arrow::MakeArrayFromScalar(arrow::Int64Scalar(7), 1).ValueOrDie()});
  made.order = key;
  return made;
}

/// Senders 0 and 1 with one instance each, and a receiver with two inputs.
plan two_inputs(bool second_is_timed, bool restore_order = false) {
  plan made;
  made.units.resize(3);
  for (auto& unit : made.units) {
    unit.definition.role = unit_role::transform;
    unit.outputs = {{"", numbers()}};
  }
  for (int input = 0; input < 2; ++input)
    made.edges.push_back({.from_unit = input,
                          .to_unit = 2,
                          .to_input = input,
                          .keys = {},
                          .key_types = {},
                          .ordered = restore_order,
                          .restore_order = restore_order,
                          .timed = input == 0 || second_is_timed});
  return made;
}

/// What an inbox hands out, in words: "row", "end 0", "time 5", "barrier 3".
std::vector<std::string> heard(inbox& from) {
  std::vector<std::string> all;
  while (auto item = from.next()) {
    if (std::holds_alternative<inbox::arrived_batch>(*item)) all.emplace_back("row");
    if (const auto* end = std::get_if<inbox::input_ended>(&*item)) all.push_back("end " + std::to_string(end->input));
    if (const auto* time = std::get_if<inbox::time_risen>(&*item))
      all.push_back("time " + std::to_string(time->watermark));
    if (const auto* barrier = std::get_if<inbox::aligned_barrier>(&*item))
      all.push_back("barrier " + std::to_string(barrier->epoch));
  }
  return all;
}

struct fixture {
  explicit fixture(plan of) : what(std::move(of)), in(what, {2, 0}, channels_of(what)) {}
  void take(std::uint32_t edge, wire::payload body) { REQUIRE(in.take({edge, 0, 0}, std::move(body), due).ok()); }
  plan what;
  inbox in;
  std::vector<due_credit> due;
};

using words = std::vector<std::string>;

}  // namespace

TEST_CASE("the watermark of a unit is the lowest of its inputs, and stands behind the rows before it") {
  fixture at(two_inputs(true));
  at.take(0, one_row());
  at.take(0, wire::watermark{50});
  CHECK(heard(at.in) == words{"row"});
  at.take(1, wire::watermark{30});
  at.take(1, one_row());
  CHECK(heard(at.in) == words{"time 30", "row"});
  at.take(1, wire::watermark{30});
  at.take(1, wire::watermark{20});
  CHECK(heard(at.in).empty());
  at.take(1, wire::watermark{80});
  CHECK(heard(at.in) == words{"time 50"});
}

TEST_CASE("an input whose rows have no event time does not hold the watermark back") {
  fixture at(two_inputs(false));
  at.take(0, wire::watermark{50});
  CHECK(heard(at.in) == words{"time 50"});
}

TEST_CASE("an input that ends for good is at the end of time; one that stops keeps its watermark") {
  fixture at(two_inputs(true));
  at.take(0, wire::watermark{50});
  at.take(1, wire::watermark{30});
  at.take(1, wire::end_of_data{0});
  at.take(0, wire::watermark{60});
  CHECK(heard(at.in) == words{"time 30", "end 1"});
  fixture other(two_inputs(true));
  other.take(0, wire::watermark{50});
  other.take(1, wire::watermark{end_of_time});
  other.take(1, wire::end_of_data{0});
  CHECK(heard(other.in) == words{"time 50", "end 1"});
}

TEST_CASE("an input that is idle holds nothing back until it is heard of again, and nothing falls") {
  const auto idle = "time " + std::to_string(idle_mark);
  fixture at(two_inputs(true));
  at.take(0, wire::watermark{50});
  at.take(1, wire::watermark{30});
  CHECK(heard(at.in) == words{"time 30"});
  at.take(1, wire::watermark{idle_mark});
  CHECK(heard(at.in) == words{"time 50"});
  at.take(0, wire::watermark{60});
  CHECK(heard(at.in) == words{"time 60"});
  // It comes back with what it had last: the others wait for it again.
  at.take(1, wire::watermark{30});
  at.take(0, wire::watermark{70});
  CHECK(heard(at.in).empty());
  at.take(1, wire::watermark{65});
  CHECK(heard(at.in) == words{"time 65"});
  // All of them: nothing moves, and those below are told.
  at.take(0, wire::watermark{idle_mark});
  CHECK(heard(at.in).empty());
  at.take(1, wire::watermark{idle_mark});
  CHECK(heard(at.in) == words{idle});
  at.take(1, wire::watermark{idle_mark});
  CHECK(heard(at.in).empty());
  at.take(1, wire::watermark{65});
  CHECK(heard(at.in) == words{"time 65"});
  // One that has never had a row.
  fixture other(two_inputs(true));
  other.take(0, wire::watermark{50});
  CHECK(heard(other.in).empty());
  other.take(1, wire::watermark{idle_mark});
  CHECK(heard(other.in) == words{"time 50"});
}

TEST_CASE("a watermark waits for batches before it that wait for their place in the order") {
  fixture at(two_inputs(false, true));
  at.take(0, one_row({.split = 0, .sequence = 1}));
  at.take(0, wire::watermark{50});
  CHECK(heard(at.in).empty());
  at.take(0, one_row({.split = 0, .sequence = 0}));
  CHECK(heard(at.in) == words{"row", "row", "time 50"});
}

TEST_CASE("a watermark behind a barrier stays behind it") {
  fixture at(two_inputs(true));
  at.take(1, wire::watermark{10});
  at.take(0, wire::watermark{5});
  at.take(0, wire::barrier{1});
  at.take(0, wire::watermark{9});
  CHECK(heard(at.in) == words{"time 5"});
  at.take(1, wire::barrier{1});
  CHECK(heard(at.in) == words{"barrier 1", "time 9"});
}

TEST_CASE("a held back input keeps its watermarks with its rows") {
  fixture at(two_inputs(true));
  at.in.hold_back(0);
  at.take(0, one_row());
  at.take(0, wire::watermark{50});
  at.take(1, wire::watermark{40});
  CHECK(heard(at.in).empty());
  at.in.let_in(0);
  CHECK(heard(at.in) == words{"row", "time 40"});
}

TEST_CASE("watermarks go only where they are needed, behind the rows, and the last of several is enough") {
  auto what = two_inputs(true);
  what.edges[1].from_unit = 0;
  what.edges[1].timed = false;
  std::map<std::uint32_t, std::vector<wire::payload>> sent;
  outbox out(what, {0, 0}, channels_of(what), {.rows = 1, .bytes = 1'000'000},
             [&](const channel_id& channel, wire::payload body) { sent[channel.edge].push_back(std::move(body)); });
  REQUIRE(out.emit(0, one_row()).ok());
  REQUIRE(out.emit(0, one_row()).ok());
  out.watermark(5);
  out.watermark(6);
  REQUIRE(sent[0].size() == 1);
  REQUIRE(out.credited({0, 0, 0}, 1, 0).ok());
  REQUIRE(sent[0].size() == 3);
  CHECK(std::get<wire::watermark>(sent[0][2]).time == 6);
  for (const auto& body : sent[1]) CHECK_FALSE(std::holds_alternative<wire::watermark>(body));
}
