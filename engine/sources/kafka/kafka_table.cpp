#include "engine/sources/kafka/kafka_table.hpp"

#include "engine/component/opaque.hpp"

#include <charconv>

namespace sluice {

namespace {
constexpr char position_in_partition = 'k';
}

std::string split_name(const kafka::topic_partition& of) { return of.topic + "[" + std::to_string(of.partition) + "]"; }

std::optional<kafka::topic_partition> partition_of(const std::string& split_name) {
  const auto bracket = split_name.rfind('[');
  if (bracket == std::string::npos || !split_name.ends_with(']')) return {};
  kafka::topic_partition found{split_name.substr(0, bracket), -1};
  const auto* const end = split_name.data() + split_name.size() - 1;
  const auto read = std::from_chars(split_name.data() + bracket + 1, end, found.partition);
  if (read.ec != std::errc{} || read.ptr != end) return {};
  return found;
}

std::string partition_position(const kafka::topic_partition& of, std::int64_t next) {
  return opaque_writer(position_in_partition).number(next).number(of.partition).text(of.topic).take();
}

result<kafka::topic_partition> partition_in(const std::string& position) {
  opaque_reader bytes(position, position_in_partition);
  kafka::topic_partition found;
  (void)bytes.number();
  found.partition = static_cast<std::int32_t>(bytes.number());
  found.topic = bytes.text();
  SLUICE_TRY(bytes.done("the position in a partition of Kafka"));
  return found;
}

result<std::int64_t> offset_in(const std::string& position, const kafka::topic_partition& of) {
  opaque_reader bytes(position, position_in_partition);
  const auto next = bytes.number();
  const auto partition = bytes.number();
  const auto topic = bytes.text();
  SLUICE_TRY(bytes.done("the position in a partition of Kafka"));
  if (partition != of.partition || topic != of.topic)
    return external_error("split_numbering",
                          "the known position is that of " + topic + "[" + std::to_string(partition) + "], and " +
                              split_name(of) + " has its number now: there are other topics or partitions than before",
                          "start again with --fresh");
  return next;
}

}  // namespace sluice
