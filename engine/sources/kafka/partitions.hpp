#pragma once

#include "engine/sources/kafka/kafka_table.hpp"

#include <map>
#include <vector>

namespace sluice {

/// A client that asks for partitions and offsets of what the table reads.
result<std::unique_ptr<kafka::client>> make_asking_client(const kafka_table& of);

/// All partitions of the table's topics, sorted. The errors: unknown_topic, no_topics (no name matches a pattern).
result<std::vector<kafka::topic_partition>> find_partitions(const kafka_table& of, kafka::client& with,
                                                            const kafka::stop_check& stopped);

/// Where to begin with partitions, and where each ends now. `from_begin`: they have come while it runs.
result<std::vector<kafka::offsets>> find_offsets(const kafka_table& of, kafka::client& with,
                                                 const std::vector<kafka::topic_partition>& what, bool from_begin,
                                                 const kafka::stop_check& stopped);

}  // namespace sluice
