#pragma once

#include "engine/clients/kafka/client.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sluice::kafka {

struct topic_partition {
  std::string topic;
  std::int32_t partition = 0;
  friend auto operator<=>(const topic_partition&, const topic_partition&) = default;
};

/// Where a partition begins and ends: offsets of its first message and behind its last one. With read_committed the
/// end is that of the settled transactions.
struct offsets {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// Requests that wait for their answer, for at most some seconds; then the error is broker_unreachable. `stopped` ends
// the waiting early, with the error interrupted.
using stop_check = std::function<bool()>;

/// Names of all topics, without Kafka's own.
result<std::vector<std::string>> list_topics(client& of, const stop_check& stopped);
/// All partitions of a topic. The error unknown_topic has the nearest name there is.
result<std::vector<topic_partition>> partitions_of(client& of, const std::string& topic, const stop_check& stopped);
/// Where a partition begins and ends now.
result<offsets> query_offsets(client& of, const topic_partition& what, const stop_check& stopped);
/// The first offset whose message is of this time (milliseconds since 1970) or later; -1 where there is none.
result<std::vector<std::int64_t>> offsets_at(client& of, const std::vector<topic_partition>& what, std::int64_t time,
                                             const stop_check& stopped);
/// Writes the offsets behind which a group goes on.
status commit_offsets(client& of, const std::vector<std::pair<topic_partition, std::int64_t>>& next);

}  // namespace sluice::kafka
