#include "tests/services/kafka_broker.hpp"

#include "tests/support/components.hpp"

#include <arrow/api.h>
#include <librdkafka/rdkafka.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>

namespace sluice::test {

namespace {
constexpr int milliseconds = 60'000;
}

std::string kafka_broker::address() {
  const char* set = std::getenv("SLUICE_KAFKA");
  REQUIRE(set != nullptr);
  return set;
}

namespace {
std::unique_ptr<kafka::client> connected() {
  kafka::cluster where;
  where.brokers = kafka_broker::address();
  auto made = kafka::client::make(where, kafka::client::role::producer, {});
  REQUIRE(made.ok());
  return std::move(made).value();
}
}  // namespace

kafka_broker::kafka_broker() : client_(connected()) {}

void kafka_broker::wait_for(rd_kafka_queue_s* queue) {
  auto* answer = rd_kafka_queue_poll(queue, milliseconds);
  REQUIRE(answer != nullptr);
  CHECK(rd_kafka_event_error(answer) == RD_KAFKA_RESP_ERR_NO_ERROR);
  rd_kafka_event_destroy(answer);
  rd_kafka_queue_destroy(queue);
}

void kafka_broker::topic(const std::string& name, int partitions) {
  char why[256];
  auto* made = rd_kafka_NewTopic_new(name.c_str(), partitions, 1, why, sizeof why);
  auto* queue = rd_kafka_queue_new(client_->get());
  rd_kafka_CreateTopics(client_->get(), &made, 1, nullptr, queue);
  wait_for(queue);
  rd_kafka_NewTopic_destroy(made);
}

void kafka_broker::more_partitions(const std::string& name, std::size_t count) {
  char why[256];
  auto* made = rd_kafka_NewPartitions_new(name.c_str(), count, why, sizeof why);
  auto* queue = rd_kafka_queue_new(client_->get());
  rd_kafka_CreatePartitions(client_->get(), &made, 1, nullptr, queue);
  wait_for(queue);
  rd_kafka_NewPartitions_destroy(made);
}

void kafka_broker::delete_before(const std::string& name, std::int32_t partition, std::int64_t offset) {
  auto* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, name.c_str(), partition)->offset = offset;
  auto* records = rd_kafka_DeleteRecords_new(list);
  auto* queue = rd_kafka_queue_new(client_->get());
  rd_kafka_DeleteRecords(client_->get(), &records, 1, nullptr, queue);
  wait_for(queue);
  rd_kafka_DeleteRecords_destroy(records);
  rd_kafka_topic_partition_list_destroy(list);
}

void kafka_broker::produce(const std::string& name, std::int32_t partition, int first, int count) {
  const auto with = connected();  // one that knows all partitions that there are now
  for (int i = first; i < first + count; ++i) {
    auto value = "{\"id\": " + std::to_string(i) + (i % 10 == 3 ? ", }" : "}");
    while (rd_kafka_producev(with->get(), RD_KAFKA_V_TOPIC(name.c_str()), RD_KAFKA_V_PARTITION(partition),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(value.data(), value.size()),
                             RD_KAFKA_V_END) != RD_KAFKA_RESP_ERR_NO_ERROR)
      rd_kafka_poll(with->get(), 10);
  }
  REQUIRE(rd_kafka_flush(with->get(), milliseconds) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

std::unique_ptr<source> make_kafka_source(options own, const run_context& context) {
  source_request request;
  request.unit = "in";
  request.number = 2;
  request.own = std::move(own);
  request.own["brokers"] = kafka_broker::address();
  request.types = {{"id", "bigint"}};
  request.context = &context;
  diagnostics faults;
  auto made = find_component(component_kind::source, "kafka")->make_source(request, faults);
  for (const auto& fault : faults) UNSCOPED_INFO(fault.to_string());
  REQUIRE(made != nullptr);
  return made;
}

std::vector<std::int64_t> visible_ids(const std::string& topic) {
  const auto context = make_context();
  const auto from = make_kafka_source({{"topic", topic}, {"until", "now"}}, context);
  const auto splits = from->discover();
  REQUIRE(splits.ok());
  std::vector<std::int64_t> found;
  for (const auto& piece : *splits) {
    auto reader = from->open(piece, "");
    REQUIRE(reader.ok());
    for (bool end = false; !end;) {
      const auto step = (*reader)->next();
      REQUIRE(step.ok());
      end = step->end;
      if (!step->rows.data) continue;
      const auto& ids = static_cast<const arrow::Int64Array&>(*step->rows.data->column(0));
      for (std::int64_t row = 0; row < ids.length(); ++row) found.push_back(ids.Value(row));
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace sluice::test
