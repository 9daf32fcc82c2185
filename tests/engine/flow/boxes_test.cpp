#include "engine/flow/barriers.hpp"
#include "engine/flow/inbox.hpp"
#include "engine/flow/outbox.hpp"

#include <arrow/api.h>
#include <catch2/catch.hpp>

#include <map>
#include <set>

using namespace sluice;
using namespace sluice::flow;

namespace {

std::shared_ptr<arrow::Schema> numbers() { return arrow::schema({arrow::field("n", arrow::int64())}); }

batch of_rows(std::int64_t rows, order_key key = {}) {
  arrow::Int64Builder builder;
  for (std::int64_t n = 0; n < rows; ++n) (void)builder.Append(n);
  batch made;
  made.data = arrow::RecordBatch::Make(numbers(), rows, {builder.Finish().ValueOrDie()});
  made.order = key;
  return made;
}

/// A sender with `from` instances and a receiver with `to`, joined by one edge.
plan two_units(int from, int to, edge_kind kind, bool restore_order = false) {
  plan made;
  made.units.resize(2);
  made.units[0].definition.name = "a";
  made.units[0].definition.role = unit_role::transform;
  made.units[0].parallelism = from;
  made.units[0].outputs = {{"", numbers()}};
  made.units[1].definition.name = "b";
  made.units[1].definition.role = unit_role::load;
  made.units[1].parallelism = to;
  planned_edge edge;
  edge.to_unit = 1;
  edge.kind = kind;
  edge.ordered = kind == edge_kind::forward;
  edge.restore_order = restore_order;
  edge.keys = {"n"};
  made.edges = {edge};
  return made;
}

struct sent_items {
  std::map<channel_id, std::vector<wire::payload>> items;
  outbox::send_function taker() {
    return [this](const channel_id& channel, wire::payload body) { items[channel].push_back(std::move(body)); };
  }
};

}  // namespace

TEST_CASE("forward edges join instances, all others everyone with everyone") {
  CHECK(channels_of(two_units(3, 3, edge_kind::forward)).size() == 3);
  CHECK(channels_of(two_units(3, 1, edge_kind::forward)).size() == 3);
  CHECK(channels_of(two_units(3, 2, edge_kind::hash)).size() == 6);
  CHECK(channels_of(two_units(1, 4, edge_kind::broadcast)).size() == 4);
}

TEST_CASE("an outbox sends within its credit and goes on when credit comes back") {
  const auto what = two_units(1, 1, edge_kind::forward);
  const channel_id channel{0, 0, 0};
  sent_items sent;
  outbox box(what, {0, 0}, {channel}, {.rows = 10, .bytes = 1000, .markers = 1}, sent.taker());
  CHECK(box.emit(0, of_rows(6)).ok());
  CHECK(box.clear());
  CHECK(box.emit(0, of_rows(6)).ok());
  CHECK_FALSE(box.clear());
  CHECK(sent.items[channel].size() == 1);
  box.end();
  CHECK_FALSE(box.ended());
  CHECK(box.credited(channel, 6, 0).ok());
  CHECK(box.clear());
  CHECK(box.ended());
  REQUIRE(sent.items[channel].size() == 3);
  CHECK(std::get<wire::end_of_data>(sent.items[channel][2]).rows == 12);
  CHECK(box.credited(channel, 7, 0).problem().code == "protocol_error");
  CHECK(box.credited({3, 0, 0}, 1, 0).problem().code == "protocol_error");
}

TEST_CASE("a channel that is stopped ends with what was sent, and the rest is counted") {
  const auto what = two_units(1, 1, edge_kind::forward);
  const channel_id channel{0, 0, 0};
  sent_items sent;
  outbox box(what, {0, 0}, {channel}, {.rows = 1, .bytes = 1, .markers = 1}, sent.taker());
  CHECK(box.emit(0, of_rows(4)).ok());
  CHECK(box.emit(0, of_rows(5)).ok());
  CHECK_FALSE(box.unwanted());
  box.stopped(channel);
  CHECK(box.unwanted());
  CHECK(box.ended());
  CHECK(box.emit(0, of_rows(6)).ok());
  CHECK(std::get<wire::end_of_data>(sent.items[channel].back()).rows == 4);
  instance_report report;
  box.fill(report);
  CHECK(report.port_rows == std::vector<std::uint64_t>{15});
  CHECK(report.sent[0].rows == 4);
  CHECK(report.sent[0].dropped == 11);
}

TEST_CASE("hash edges send equal keys to one receiver, round-robin edges take turns") {
  for (const auto kind : {edge_kind::hash, edge_kind::round_robin}) {
    const auto what = two_units(1, 3, kind);
    sent_items sent;
    outbox box(what, {0, 0}, channels_of(what), {}, sent.taker());
    for (int i = 0; i < 3; ++i) CHECK(box.emit(0, of_rows(100)).ok());
    std::int64_t rows = 0;
    CHECK(sent.items.size() == 3);
    for (const auto& [channel, items] : sent.items) {
      std::int64_t first = -1;
      for (const auto& item : items) {
        const auto count = std::get<batch>(item).rows();
        rows += count;
        if (first >= 0) CHECK(count == first);
        first = count;
      }
    }
    CHECK(rows == 300);
  }
}

TEST_CASE("receivers that restore the order get every place of a hash edge, also those of which they have no row") {
  auto what = two_units(1, 3, edge_kind::hash, true);
  what.edges[0].ordered = true;
  sent_items sent;
  outbox box(what, {0, 0}, channels_of(what), {}, sent.taker());
  for (std::uint64_t place = 0; place < 5; ++place) CHECK(box.emit(0, of_rows(1, {.sequence = place})).ok());
  REQUIRE(sent.items.size() == 3);
  for (const auto& [channel, items] : sent.items) {
    inbox in(what, {1, channel.to}, {channel});
    std::vector<due_credit> now;
    for (const auto& item : items) CHECK(in.take(channel, item, now).ok());
    for (int place = 0; place < 5; ++place) CHECK(in.next());
  }
}

TEST_CASE("an inbox owes credit until a batch is worked off, and ends with its channels") {
  const auto what = two_units(2, 1, edge_kind::forward);
  inbox box(what, {1, 0}, channels_of(what));
  std::vector<due_credit> now;
  CHECK(box.take({0, 0, 0}, of_rows(3), now).ok());
  CHECK(now.empty());
  const auto item = box.next();
  REQUIRE(item);
  CHECK(std::get<inbox::arrived_batch>(*item).owed->rows == 3);
  CHECK(box.take({0, 0, 0}, wire::end_of_data{3}, now).ok());
  CHECK_FALSE(box.next());
  CHECK(box.take({0, 1, 0}, wire::end_of_data{0}, now).ok());
  CHECK(std::get<inbox::input_ended>(*box.next()).input == 0);
  CHECK(box.exhausted());
  CHECK(box.take({0, 1, 0}, of_rows(1), now).problem().code == "protocol_error");
  CHECK(box.take({9, 0, 0}, of_rows(1), now).problem().code == "protocol_error");
}

TEST_CASE("an end that tells another count than arrived is an error with both numbers") {
  const auto what = two_units(1, 1, edge_kind::forward);
  inbox box(what, {1, 0}, channels_of(what));
  std::vector<due_credit> now;
  CHECK(box.take({0, 0, 0}, of_rows(3), now).ok());
  const auto end = box.take({0, 0, 0}, wire::end_of_data{4}, now);
  CHECK(end.problem().code == "rows_lost");
  CHECK(end.problem().message == "edge a -> b: 4 rows sent, but 3 received");
}

TEST_CASE("batches out of order are held without owing credit; a gap at the end is an error") {
  const auto what = two_units(2, 1, edge_kind::forward, true);
  inbox box(what, {1, 0}, channels_of(what));
  std::vector<due_credit> now;
  CHECK(box.take({0, 1, 0}, of_rows(5, {.split = 1, .last_in_split = true}), now).ok());
  REQUIRE(now.size() == 1);
  CHECK(now[0].rows == 5);
  CHECK_FALSE(box.next());
  CHECK(box.take({0, 1, 0}, of_rows(2, {.split = 3}), now).ok());
  CHECK(box.take({0, 0, 0}, of_rows(4, {.split = 0, .last_in_split = true}), now).ok());
  CHECK(now.size() == 2);
  CHECK(std::get<inbox::arrived_batch>(*box.next()).rows.rows() == 4);
  CHECK_FALSE(std::get<inbox::arrived_batch>(*box.next()).owed);
  CHECK(box.take({0, 0, 0}, wire::end_of_data{4}, now).ok());
  CHECK(box.take({0, 1, 0}, wire::end_of_data{7}, now).problem().code == "rows_lost");
}

TEST_CASE("an inbox that is given up counts what still comes and returns its credit at once") {
  const auto what = two_units(1, 1, edge_kind::forward, true);
  inbox box(what, {1, 0}, channels_of(what));
  std::vector<due_credit> now;
  CHECK(box.take({0, 0, 0}, of_rows(3, {.sequence = 0}), now).ok());
  CHECK(box.take({0, 0, 0}, of_rows(4, {.sequence = 2}), now).ok());
  now.clear();
  CHECK(box.give_up(now).ok());
  CHECK(box.dropped() == 7);
  REQUIRE(now.size() == 1);
  CHECK(now[0].rows == 3);
  CHECK(box.take({0, 0, 0}, of_rows(5, {.sequence = 4}), now).ok());
  CHECK(now.size() == 2);
  CHECK(box.take({0, 0, 0}, wire::end_of_data{12}, now).ok());
  CHECK(box.exhausted());
  CHECK(box.dropped() == 12);
}

TEST_CASE("barriers are aligned: what comes behind one waits until all channels have brought it") {
  const auto what = two_units(3, 1, edge_kind::forward);
  inbox box(what, {1, 0}, channels_of(what));
  std::vector<due_credit> now;
  const auto take = [&](std::uint32_t from, wire::payload body) {
    CHECK(box.take({0, from, 0}, std::move(body), now).ok());
  };
  take(0, wire::barrier{1});
  take(0, of_rows(10));
  take(1, of_rows(11));
  take(1, wire::barrier{1});
  take(1, wire::barrier{2});
  take(1, of_rows(12));
  CHECK(std::get<inbox::arrived_batch>(*box.next()).rows.rows() == 11);
  CHECK_FALSE(box.next());
  take(2, wire::end_of_data{0});
  CHECK(std::get<inbox::aligned_barrier>(*box.next()).epoch == 1);
  CHECK(std::get<inbox::arrived_batch>(*box.next()).rows.rows() == 10);
  CHECK_FALSE(box.next());
  take(0, wire::barrier{2});
  CHECK(std::get<inbox::aligned_barrier>(*box.next()).epoch == 2);
  CHECK(std::get<inbox::arrived_batch>(*box.next()).rows.rows() == 12);
}

TEST_CASE("an input that is held back keeps its items and their credit until it is let in") {
  auto what = two_units(1, 1, edge_kind::forward);
  planned_edge second;
  second.to_unit = 1;
  second.to_input = 1;
  what.edges.push_back(second);
  inbox box(what, {1, 0}, channels_of(what));
  box.hold_back(0);
  std::vector<due_credit> now;
  CHECK(box.take({0, 0, 0}, of_rows(3), now).ok());
  CHECK(box.take({0, 0, 0}, wire::end_of_data{3}, now).ok());
  CHECK_FALSE(box.next());
  CHECK(box.take({1, 0, 0}, wire::end_of_data{0}, now).ok());
  CHECK(std::get<inbox::input_ended>(*box.next()).input == 1);
  CHECK_FALSE(box.next());
  CHECK_FALSE(box.exhausted());
  CHECK(now.empty());
  box.let_in(0);
  CHECK(std::get<inbox::arrived_batch>(*box.next()).rows.rows() == 3);
  CHECK(std::get<inbox::input_ended>(*box.next()).input == 0);
  CHECK(box.exhausted());
}

TEST_CASE("an input may be held back unless it shares a unit above with another input") {
  plan what;
  what.units.resize(5);  // 0 -> 1 -> 4 (input 0), 2 -> 3 -> 4 (input 1)
  const auto edge = [&](int from, int to, int input) {
    planned_edge made;
    made.from_unit = from;
    made.to_unit = to;
    made.to_input = input;
    what.edges.push_back(made);
  };
  edge(0, 1, 0);
  edge(1, 4, 0);
  edge(2, 3, 0);
  edge(3, 4, 1);
  CHECK(may_hold_back(what, 4, 0));
  edge(0, 3, 1);
  CHECK_FALSE(may_hold_back(what, 4, 0));
}

TEST_CASE("chunks of one place go to one receiver over an ordered round-robin edge") {
  auto what = two_units(1, 3, edge_kind::round_robin);
  what.edges[0].ordered = true;
  sent_items sent;
  outbox box(what, {0, 0}, channels_of(what), {}, sent.taker());
  std::map<std::uint32_t, std::set<std::uint32_t>> receivers;
  for (std::uint32_t sequence = 0; sequence < 6; ++sequence)
    for (std::uint32_t chunk = 0; chunk < 3; ++chunk)
      CHECK(box.emit(0, of_rows(1, {.sequence = sequence, .chunk = chunk, .last_chunk = chunk == 2})).ok());
  for (const auto& [channel, items] : sent.items)
    for (const auto& item : items) receivers[std::get<batch>(item).order.sequence].insert(channel.to);
  CHECK(sent.items.size() == 3);
  for (const auto& [sequence, some] : receivers) CHECK(some.size() == 1);
}

TEST_CASE("batches count as memory while they wait, and operators have the rest of the limit") {
  const auto memory = std::make_shared<memory::manager>(4'000);
  const auto what = two_units(1, 1, edge_kind::forward, true);
  const channel_id channel{0, 0, 0};
  sent_items sent;
  {
    outbox box(what, {0, 0}, {channel}, {.rows = 10, .bytes = 1000, .markers = 1}, sent.taker(), memory);
    for (int i = 0; i < 3; ++i) CHECK(box.emit(0, of_rows(6)).ok());
    const auto each = of_rows(6).bytes();
    CHECK(memory->queued() == 3 * each);  // one on its way, two without credit
    CHECK(box.credited(channel, 6, 0).ok());
    CHECK(memory->queued() == 2 * each);
    box.stopped(channel);
    CHECK(memory->queued() == each);
  }
  CHECK(memory->queued() == 0);
  {
    inbox box(what, {1, 0}, {channel}, memory);
    std::vector<due_credit> now;
    auto early = of_rows(500);
    early.order = {.split = 1, .last_in_split = true};
    CHECK(box.take(channel, early, now).ok());
    CHECK(memory->queued() == early.bytes());
    CHECK(memory->left() == 3'000);  // more waits than that, and takes no more from operators
    CHECK_FALSE(memory->reserve(3'001));
    CHECK(memory->reserve(3'000));
    auto first = of_rows(1);
    first.order = {.last_in_split = true};
    CHECK(box.take(channel, first, now).ok());
    for (int i = 0; i < 2; ++i) CHECK(box.next());
    CHECK(memory->queued() == 0);
  }
}
