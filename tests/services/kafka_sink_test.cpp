#include "tests/services/kafka_broker.hpp"
#include "tests/support/components.hpp"

#include "engine/clients/kafka/transactions.hpp"

#include <arrow/api.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <numeric>

// Run by kafka_sink_test.py, which starts the broker whose address is in SLUICE_KAFKA.

using namespace sluice;
using namespace sluice::test;

namespace {

std::shared_ptr<arrow::RecordBatch> ids(std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), first);
  arrow::Int64Builder builder;
  (void)builder.AppendValues(values);
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("id", arrow::int64())}), count,
                                  {builder.Finish().ValueOrDie()});
}

std::vector<std::int64_t> from_to(std::int64_t first, std::int64_t end) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(end - first));
  std::iota(values.begin(), values.end(), first);
  return values;
}

/// Sinks of one unit in one run, as several processes would make them.
class unit {
 public:
  explicit unit(std::string topic, options more = options::object())
      : topic_(std::move(topic)), more_(std::move(more)), context_(make_context()) {
    context_.run_id = "run-of-" + topic_;
    kafka_broker().topic(topic_, 2);
  }
  std::unique_ptr<sink> make() const {
    sink_request request;
    request.unit = "out";
    request.schema = ids(0, 0)->schema();
    request.own = more_;
    request.own["brokers"] = kafka_broker::address();
    request.own["topic"] = topic_;
    request.mode = "append";
    request.context = &context_;
    diagnostics faults;
    auto made = find_component(component_kind::sink, "kafka")->make_sink(request, faults);
    for (const auto& fault : faults) UNSCOPED_INFO(fault.to_string());
    REQUIRE(made != nullptr);
    return made;
  }

 private:
  std::string topic_;
  options more_;
  run_context context_;
};

void must(const status& done) {
  INFO((done.ok() ? "" : done.problem().to_string()));
  REQUIRE(done.ok());
}

void write(sink& to, std::int64_t first, std::int64_t count) {
  row_errors refused;
  must(to.write(as_batch(ids(first, count)), refused));
  CHECK(refused.empty());
}

prepared_epoch prepare(sink& to, std::uint64_t epoch) {
  auto made = to.prepare(epoch);
  INFO((made.ok() ? "" : made.problem().to_string()));
  REQUIRE(made.ok());
  REQUIRE_FALSE(made->token.empty());
  return std::move(made).value();
}

}  // namespace

TEST_CASE("a transaction whose producer is gone is committed by another process, once", "[kafka-sink]") {
  const unit of("committed-by-others");
  std::string token;
  {
    const auto first = of.make();
    must(first->open(1));
    write(*first, 0, 5000);
    const auto made = prepare(*first, 1);
    CHECK(made.report.loaded == 5000);
    token = made.token;
  }
  CHECK(visible_ids("committed-by-others").empty());
  must(of.make()->recover({token}));
  CHECK(visible_ids("committed-by-others") == from_to(0, 5000));
  must(of.make()->recover({token}));
  must(of.make()->commit(token));
  CHECK(visible_ids("committed-by-others") == from_to(0, 5000));
}

TEST_CASE("recover aborts what no manifest names, also what was never prepared", "[kafka-sink]") {
  const unit of("aborted");
  std::string token;
  {
    const auto first = of.make();
    must(first->open(1));
    write(*first, 0, 10);
    token = prepare(*first, 1).token;
    write(*first, 10, 10);
    prepare(*first, 2);
    write(*first, 20, 10);
    // Its messages are at the broker, in an open transaction.
    const auto second = of.make();
    must(second->open(2));
    write(*second, 30, 10);
    prepare(*second, 3);
  }
  must(of.make()->recover({token}));
  CHECK(visible_ids("aborted") == from_to(0, 10));
  // Nothing holds up who writes now.
  const auto next = of.make();
  must(next->open(3));
  write(*next, 40, 5);
  must(next->commit(prepare(*next, 4).token));
  auto wanted = from_to(0, 10);
  for (const auto id : from_to(40, 45)) wanted.push_back(id);
  CHECK(visible_ids("aborted") == wanted);
}

TEST_CASE("a commit that is repeated late does not commit the next transaction", "[kafka-sink]") {
  const unit of("late-repeat");
  const auto made = of.make();
  must(made->open(1));
  std::vector<std::string> tokens;
  for (int epoch = 0; epoch < 6; ++epoch) {
    write(*made, epoch * 10, 10);
    tokens.push_back(prepare(*made, static_cast<std::uint64_t>(epoch)).token);
    if (epoch == 0) continue;
    // One behind: an epoch is written while the one before is prepared.
    must(made->commit(tokens[static_cast<std::size_t>(epoch - 1)]));
    must(made->commit(tokens[static_cast<std::size_t>(epoch - 1)]));
    CHECK(visible_ids("late-repeat") == from_to(0, epoch * 10));
  }
  must(of.make()->recover({tokens.back()}));
  CHECK(visible_ids("late-repeat") == from_to(0, 60));
}

TEST_CASE("a transaction that has timed out is lost, and never called committed", "[kafka-sink]") {
  const unit of("timed-out", {{"transaction_timeout", "1s"}});
  const auto made = of.make();
  must(made->open(1));
  write(*made, 0, 10);
  const auto token = prepare(*made, 1).token;
  // The broker aborts it by itself, which its coordinator says.
  kafka::cluster where;
  where.brokers = kafka_broker::address();
  kafka::transactions looking(where, nullptr);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto open = [&] {
    const auto ids = looking.open_ones("sluice.");
    REQUIRE(ids.ok());
    return std::any_of(ids->begin(), ids->end(), [](const auto& id) { return id.find("timed-out") != id.npos; });
  };
  CHECK(open());
  while (open()) REQUIRE(std::chrono::steady_clock::now() < until);
  const auto last = of.make()->commit(token);
  REQUIRE_FALSE(last.ok());
  CHECK(last.problem().code == "prepared_lost");
  CHECK_FALSE(last.problem().retry);
  CHECK(visible_ids("timed-out").empty());
}

TEST_CASE("an epoch without rows has nothing to commit, and abort leaves nothing behind", "[kafka-sink]") {
  const unit of("empty-epochs");
  const auto made = of.make();
  must(made->open(1));
  const auto empty = prepare(*made, 1);
  CHECK(empty.report.loaded == 0);
  must(made->commit(empty.token));
  write(*made, 0, 10);
  const auto token = prepare(*made, 2).token;
  write(*made, 10, 10);
  made->abort();
  CHECK(visible_ids("empty-epochs").empty());
  const auto refused = of.make()->commit(token);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.problem().code == "prepared_lost");
  // Nothing is open any more: who writes now is seen at once.
  const auto next = of.make();
  must(next->open(2));
  write(*next, 20, 1);
  must(next->commit(prepare(*next, 3).token));
  CHECK(visible_ids("empty-epochs") == from_to(20, 21));
}

TEST_CASE("without transactions everything is acknowledged when prepare returns, and visible", "[kafka-sink]") {
  const unit of("idempotent", {{"idempotent", true}});
  const auto made = of.make();
  must(made->open(1));
  write(*made, 0, 20'000);
  CHECK(prepare(*made, 1).report.loaded == 20'000);
  CHECK(visible_ids("idempotent") == from_to(0, 20'000));
  write(*made, 20'000, 1);
  const auto second = prepare(*made, 2);
  CHECK(second.report.loaded == 1);
  must(made->commit(second.token));
  CHECK(visible_ids("idempotent").size() == 20'001);
}
