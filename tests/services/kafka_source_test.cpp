#include "tests/services/kafka_broker.hpp"
#include "tests/support/components.hpp"

#include "engine/sources/kafka/kafka_table.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>

#include <chrono>
#include <future>
#include <map>
#include <set>

// Run by kafka_source_test.py, which starts the broker whose address is in SLUICE_KAFKA.

using namespace sluice;
using namespace sluice::test;

namespace {

struct seen {
  std::vector<std::int64_t> ids;
  std::vector<std::uint64_t> refused;  ///< offsets
};

void add(seen& to, const read_step& step) {
  if (step.rows.data) {
    const auto& ids = static_cast<const arrow::Int64Array&>(*step.rows.data->column(0));
    for (std::int64_t row = 0; row < ids.length(); ++row) to.ids.push_back(ids.Value(row));
  }
  for (const auto& one : step.rejected) to.refused.push_back(one.offset);
}

read_step next_of(split_reader& from) {
  auto step = from.next();
  INFO((step.ok() ? "" : step.problem().to_string()));
  REQUIRE(step.ok());
  return std::move(step).value();
}

}  // namespace

TEST_CASE("a partition of Kafka goes on at the position of any step, in another process", "[kafka]") {
  kafka_broker with;
  with.topic("positions", 3);
  for (int partition = 0; partition < 3; ++partition) with.produce("positions", partition, partition * 5000, 5000);
  const auto context = make_context();
  const auto from = make_kafka_source({{"topic", "positions"}, {"until", "now"}, {"group", "watched"}}, context);
  const auto splits = from->discover();
  REQUIRE(splits.ok());
  REQUIRE(splits->size() == 3);
  CHECK((*splits)[1].object == "positions[1]");
  // One reader serves all of them.
  auto reader = from->open((*splits)[0], "");
  REQUIRE(reader.ok());
  REQUIRE((*reader)->add((*splits)[1], "").ok());
  REQUIRE((*reader)->add((*splits)[2], "").ok());
  std::map<std::uint32_t, std::vector<read_step>> steps;
  for (std::size_t ended = 0; ended < 3;) {
    auto step = next_of(**reader);
    REQUIRE(step.split.has_value());
    REQUIRE(check_step(step, true).ok());
    ended += step.end ? 1 : 0;
    steps[*step.split].push_back(std::move(step));
  }
  std::vector<split_progress> upto;
  for (const auto& [split, all] : steps) upto.push_back({split, all.back().position, true});
  CHECK(from->committed(1, upto).ok());
  for (const auto& [split, all] : steps) {
    seen whole;
    for (const auto& step : all) add(whole, step);
    CHECK(whole.ids.size() == 4500);
    CHECK(whole.refused.size() == 500);
    for (std::size_t done = 0; done < all.size(); ++done) {
      const auto again = make_kafka_source({{"topic", "positions"}, {"until", "now"}}, context);
      auto rest = again->open((*splits)[split], all[done].position);
      REQUIRE(rest.ok());
      seen behind;
      for (bool end = false; !end;) {
        const auto step = next_of(**rest);
        add(behind, step);
        end = step.end;
      }
      seen wanted;
      for (auto at = done + 1; at < all.size(); ++at) add(wanted, all[at]);
      CHECK(behind.ids == wanted.ids);
      CHECK(behind.refused == wanted.refused);
    }
  }
}

TEST_CASE("a stream of Kafka waits for messages, tells where it is, and sees new partitions from their begin",
          "[kafka]") {
  kafka_broker with;
  with.topic("stream", 1);
  with.produce("stream", 0, 0, 2);
  const auto context = make_context();
  const auto from = make_kafka_source({{"topic", "stream"}, {"start", "latest"}}, context);
  CHECK_FALSE(from->bounded());
  auto splits = from->discover();
  REQUIRE(splits.ok());
  REQUIRE(splits->size() == 1);
  auto reader = from->open((*splits)[0], "");
  REQUIRE(reader.ok());
  // Before any message: from where it will go on.
  auto step = next_of(**reader);
  CHECK_FALSE(step.end);
  CHECK(step.records == 0);
  CHECK(step.position == partition_position({"stream", 0}, 2));
  with.produce("stream", 0, 10, 3);  // one of them is no JSON
  with.more_partitions("stream", 2);
  with.produce("stream", 1, 20, 2);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (splits->size() < 2 && std::chrono::steady_clock::now() < until) {
    splits = from->discover();
    REQUIRE(splits.ok());
  }
  REQUIRE(splits->size() == 2);
  CHECK((*splits)[1].begin == 0);
  REQUIRE((*reader)->add((*splits)[1], "").ok());
  seen all;
  while (all.ids.size() + all.refused.size() < 5 && std::chrono::steady_clock::now() < until) {
    step = next_of(**reader);
    CHECK_FALSE(step.end);
    CHECK_FALSE(step.position.empty());
    add(all, step);
  }
  CHECK(std::set(all.ids.begin(), all.ids.end()) == std::set<std::int64_t>{10, 11, 12, 20, 21});

  auto waiting = std::async(std::launch::async, [&] {
    for (;;)
      if (auto more = (*reader)->next(); !more.ok()) return more.problem().code;
  });
  (*reader)->interrupt();
  REQUIRE(waiting.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
  CHECK(waiting.get() == "interrupted");
}

TEST_CASE("the position of one partition is refused by another", "[kafka]") {
  kafka_broker with;
  with.topic("numbered", 2);
  const auto context = make_context();
  const auto from = make_kafka_source({{"topic", "numbered"}, {"until", "now"}}, context);
  const auto splits = from->discover();
  REQUIRE(splits.ok());
  const auto opened = from->open((*splits)[1], partition_position({"numbered", 0}, 0));
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.problem().code == "split_numbering");
}

TEST_CASE("messages that Kafka has deleted are an error and never passed over", "[kafka]") {
  kafka_broker with;
  with.topic("short", 1);
  with.produce("short", 0, 0, 100);
  const auto context = make_context();
  const auto from = make_kafka_source({{"topic", "short"}}, context);
  const auto splits = from->discover();
  REQUIRE(splits.ok());
  with.delete_before("short", 0, 50);
  auto reader = from->open((*splits)[0], partition_position({"short", 0}, 10));
  REQUIRE(reader.ok());
  for (;;) {
    const auto step = (*reader)->next();
    if (step.ok()) {
      CHECK(step->records == 0);
      continue;
    }
    CHECK(step.problem().code == "messages_gone");
    CHECK(step.problem().message.find("from offset 10 on") != std::string::npos);
    break;
  }
}
