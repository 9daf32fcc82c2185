#include "engine/flow/inbox.hpp"
#include "engine/flow/order.hpp"

#include <arrow/api.h>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::flow;

namespace {

batch of_rows(std::int64_t rows, order_key key = {}) {
  arrow::Int64Builder builder;
  for (std::int64_t n = 0; n < rows; ++n) (void)builder.Append(n);
  batch made;
  made.data = arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), rows,
                                       {builder.Finish().ValueOrDie()});
  made.order = key;
  return made;
}

/// A receiver of one edge from two instances for each input; `ordered` ones restore the order.
plan receiver(const std::vector<bool>& ordered) {
  plan made;
  made.units.resize(ordered.size() + 1);
  for (std::size_t input = 0; input < ordered.size(); ++input) {
    made.units[input].parallelism = 2;
    made.units[input].outputs.resize(1);
    planned_edge edge;
    edge.from_unit = static_cast<int>(input);
    edge.to_unit = static_cast<int>(ordered.size());
    edge.to_input = static_cast<int>(input);
    edge.restore_order = ordered[input];
    made.edges.push_back(edge);
  }
  return made;
}

/// An inbox, and what it hands out as text: "3" a batch of three rows, "|1" the barrier of epoch 1, "end0".
struct box_under_test {
  plan what;
  inbox box;
  std::vector<due_credit> now = {};

  explicit box_under_test(const std::vector<bool>& ordered)
      : what(receiver(ordered)), box(what, {static_cast<std::uint32_t>(ordered.size()), 0}, channels_of(what)) {}

  status try_take(std::uint32_t edge, std::uint32_t from, wire::payload body) {
    return box.take({edge, from, 0}, std::move(body), now);
  }
  box_under_test& take(std::uint32_t edge, std::uint32_t from, wire::payload body) {
    const auto taken = try_take(edge, from, std::move(body));
    INFO((taken.ok() ? "" : taken.problem().to_string()));
    CHECK(taken.ok());
    return *this;
  }
  std::string out() {
    std::string all;
    while (const auto item = box.next()) {
      if (!all.empty()) all += " ";
      if (const auto* rows = std::get_if<inbox::arrived_batch>(&*item)) all += std::to_string(rows->rows.rows());
      if (const auto* barrier = std::get_if<inbox::aligned_barrier>(&*item))
        all += "|" + std::to_string(barrier->epoch);
      if (const auto* end = std::get_if<inbox::input_ended>(&*item)) all += "end" + std::to_string(end->input);
    }
    return all;
  }
};

constexpr wire::barrier first{1};

}  // namespace

TEST_CASE("a barrier goes behind the rows that wait for their place in the order") {
  box_under_test made({true});
  made.take(0, 1, of_rows(5, {.split = 1, .last_in_split = true})).take(0, 0, first).take(0, 1, first);
  // Split 0 is missing, so nothing can leave, the barrier least of all.
  CHECK(made.out().empty());
  made.take(0, 1, of_rows(7, {.split = 2}));
  CHECK(made.out().empty());
  made.take(0, 0, of_rows(3, {.split = 0, .last_in_split = true}));
  CHECK(made.out() == "3 5 |1 7");
}

TEST_CASE("a barrier that finds the order without a gap passes at once") {
  box_under_test made({true});
  made.take(0, 1, of_rows(5, {.split = 1, .last_in_split = true}))
      .take(0, 0, of_rows(3, {.split = 0, .last_in_split = true}))
      .take(0, 0, first)
      .take(0, 0, of_rows(2, {.split = 2}));
  CHECK(made.out() == "3 5");
  made.take(0, 1, first);
  CHECK(made.out() == "|1 2");
}

TEST_CASE("while a barrier waits for a gap nothing behind it passes on any input") {
  box_under_test made({true, false});
  made.take(0, 1, of_rows(5, {.split = 1, .last_in_split = true}));
  for (std::uint32_t edge = 0; edge < 2; ++edge)
    for (std::uint32_t from = 0; from < 2; ++from) made.take(edge, from, first);
  made.take(1, 0, of_rows(9)).take(1, 1, wire::barrier{2});
  CHECK(made.out().empty());
  made.take(0, 0, of_rows(3, {.split = 0, .last_in_split = true}));
  CHECK(made.out() == "3 5 |1 9");
  made.take(1, 0, wire::barrier{2}).take(0, 0, wire::barrier{2});
  CHECK(made.out().empty());
  made.take(0, 1, wire::barrier{2});
  CHECK(made.out() == "|2");
}

TEST_CASE("a gap that nobody can fill any more fails the run instead of stopping it") {
  box_under_test made({true});
  made.take(0, 1, of_rows(5, {.split = 1})).take(0, 0, first).take(0, 1, first);
  made.take(0, 0, wire::end_of_data{0});
  const auto taken = made.try_take(0, 1, wire::barrier{2});
  REQUIRE_FALSE(taken.ok());
  CHECK(taken.problem().code == "rows_lost");
}

TEST_CASE("a barrier goes behind the rows of an input that is held back, and ends the holding back") {
  box_under_test made({false, false});
  made.box.hold_back(0);
  made.take(0, 0, of_rows(3)).take(0, 1, of_rows(4));
  CHECK(made.out().empty());
  made.take(1, 0, of_rows(5)).take(1, 0, first);
  // The sender of the held input must get credit, or its barrier would never come.
  CHECK(made.out() == "5 3 4");
  made.take(0, 0, first).take(0, 0, of_rows(6)).take(0, 1, first);
  CHECK(made.out().empty());
  made.take(1, 1, first);
  CHECK(made.out() == "|1 6");
}

TEST_CASE("an inbox that is given up lets the barrier go that waits for a gap") {
  box_under_test made({true});
  made.take(0, 1, of_rows(5, {.split = 1})).take(0, 0, first).take(0, 1, first).take(0, 0, wire::end_of_data{0});
  CHECK(made.box.give_up(made.now).ok());
  CHECK(made.box.dropped() == 5);
  made.take(0, 1, wire::end_of_data{5});
  CHECK(made.out().empty());
  CHECK(made.box.exhausted());
}

TEST_CASE("what an order stamper holds back goes before a barrier, and its place stays open") {
  order_stamper stamper(true, {of_rows(0)});
  std::vector<outgoing_batch> out;
  stamper.taken({.split = 0, .sequence = 4, .last_in_split = true});
  stamper.made(0, of_rows(3), true, out);
  CHECK(out.empty());
  stamper.let_pass(out);
  REQUIRE(out.size() == 1);
  CHECK(out[0].rows.rows() == 3);
  CHECK_FALSE(out[0].rows.order.last_chunk);
  stamper.made(0, of_rows(2), true, out);
  stamper.settled(out);
  REQUIRE(out.size() == 2);
  CHECK(out[1].rows.order == order_key{.split = 0, .sequence = 4, .chunk = 1, .last_in_split = true});
}
