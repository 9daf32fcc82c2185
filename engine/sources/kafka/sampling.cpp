#include "engine/sources/kafka/sampling.hpp"

#include "engine/clients/kafka/consumer.hpp"
#include "engine/error/names.hpp"
#include "engine/formats/messages/message_sample.hpp"
#include "engine/sources/kafka/partitions.hpp"

#include <arrow/type.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>

namespace sluice {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t default_messages = 1000;
constexpr auto longest_wait = 5s;
constexpr std::int64_t queued_bytes = 4 << 20;

struct sampled_partition {
  std::size_t number = 0;
  std::int64_t end = 0;
  bool done = false;
};

/// Looks at what has come of a partition.
status look_at_partition(kafka::consumer& from, sampled_partition& of, std::int64_t most, messages::message_sample& all,
                         std::int64_t& seen) {
  const auto taken = from.take(of.number, static_cast<std::size_t>(std::max<std::int64_t>(most - seen, 1)));
  for (const auto* message : taken.all()) {
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      of.done = true;
    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return kafka::from_kafka(message->err, "read the first messages");
    } else {
      of.done = of.done || message->offset + 1 >= of.end;
      ++seen;
      if (message->payload != nullptr) all.look({static_cast<const char*>(message->payload), message->len});
    }
  }
  return {};
}

}  // namespace

result<std::shared_ptr<arrow::Schema>> sample_columns(const kafka_table& of, std::optional<std::int64_t> messages) {
  const auto most = std::max<std::int64_t>(messages.value_or(default_messages), 1);
  SLUICE_ASSIGN(const auto asking, make_asking_client(of));
  SLUICE_ASSIGN(const auto partitions, find_partitions(of, *asking, {}));
  SLUICE_ASSIGN(auto where, find_offsets(of, *asking, partitions, false, {}));
  SLUICE_ASSIGN(const auto from_begin, find_offsets(of, *asking, partitions, true, {}));
  const bool nothing_yet =
      std::all_of(where.begin(), where.end(), [](const auto& one) { return one.begin >= one.end; });
  const auto each = std::max<std::int64_t>(most / static_cast<std::int64_t>(std::max<std::size_t>(where.size(), 1)), 1);
  SLUICE_ASSIGN(const auto from, kafka::consumer::make(of.where, {of.group, queued_bytes}));
  std::vector<sampled_partition> reading;
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    if (nothing_yet) where[i].begin = std::max(from_begin[i].begin, where[i].end - each);
    if (where[i].begin >= where[i].end) continue;
    SLUICE_ASSIGN(const auto number, from->add(partitions[i], where[i].begin));
    reading.push_back({number, where[i].end});
  }
  messages::message_sample all;
  const auto until = std::chrono::steady_clock::now() + longest_wait;
  for (std::int64_t seen = 0; seen < most;) {
    for (auto& one : reading)
      if (!one.done && seen < most) SLUICE_TRY(look_at_partition(*from, one, most, all, seen));
    const bool done = std::all_of(reading.begin(), reading.end(), [](const auto& one) { return one.done; });
    if (done || std::chrono::steady_clock::now() >= until) break;
    if (seen < most) SLUICE_TRY(from->wait(until, longest_wait));
  }
  return all.schema("topic " + joined(of.topics));
}

}  // namespace sluice
