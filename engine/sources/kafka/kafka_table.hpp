#pragma once

#include "engine/clients/kafka/cluster.hpp"
#include "engine/clients/kafka/topics.hpp"
#include "engine/formats/messages/message_table.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// What a kafka source reads, as its options say.
struct kafka_table : messages::message_table {
  enum class begin { earliest, latest, time };

  kafka::cluster where;
  std::vector<std::string> topics;  ///< one that begins with ^ is a regular expression
  begin start = begin::earliest;
  std::int64_t start_milliseconds = 0;  ///< since 1970, for begin::time
  bool bounded = false;                 ///< until: now
  std::string group;
  std::string unit;
  std::uint32_t number = 0;
  bool want_positions = true;
  std::int64_t queued_bytes = 0;  ///< fetched ahead by one source, all partitions together
};

/// "orders[3]": the name of a split.
std::string split_name(const kafka::topic_partition& of);
/// Reads it back.
std::optional<kafka::topic_partition> partition_of(const std::string& split_name);

/// The position of a partition: the offset of the next message to read.
std::string partition_position(const kafka::topic_partition& of, std::int64_t next);
/// Whose position it is.
result<kafka::topic_partition> partition_in(const std::string& position);
/// Reads it back. The error split_numbering: it is of another partition.
result<std::int64_t> offset_in(const std::string& position, const kafka::topic_partition& of);

}  // namespace sluice
