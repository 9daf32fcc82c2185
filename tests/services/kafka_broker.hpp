#pragma once

#include "engine/clients/kafka/client.hpp"
#include "engine/component/component.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct rd_kafka_queue_s;

namespace sluice::test {

/// What tests do with the broker whose address is in SLUICE_KAFKA; the scripts beside them start it.
class kafka_broker {
 public:
  kafka_broker();
  static std::string address();
  void topic(const std::string& name, int partitions);
  void more_partitions(const std::string& name, std::size_t count);
  void delete_before(const std::string& name, std::int32_t partition, std::int64_t offset);
  /// {"id": first}, ...; of each ten one is no JSON.
  void produce(const std::string& name, std::int32_t partition, int first, int count);

 private:
  void wait_for(rd_kafka_queue_s* queue);
  std::unique_ptr<kafka::client> client_;
};

/// A kafka source with the column id.
std::unique_ptr<source> make_kafka_source(options own, const run_context& context);
/// Ids of all messages that readers of committed transactions see now, sorted.
std::vector<std::int64_t> visible_ids(const std::string& topic);

}  // namespace sluice::test
