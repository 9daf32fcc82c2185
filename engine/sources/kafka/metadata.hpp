#pragma once

#include "engine/columns/typed/column.hpp"
#include "engine/columns/typed/rows.hpp"
#include "engine/formats/messages/message_table.hpp"

#include <optional>
#include <string>
#include <vector>

struct rd_kafka_message_s;

namespace sluice {

/// What `metadata:` of a kafka source can ask for, in the order of kafka_metadata_kinds().
enum class kafka_metadata : std::size_t { key, timestamp, topic, partition, offset, headers, deleted };
const std::vector<messages::metadata_kind>& kafka_metadata_kinds();

/// Appends metadata of a message to the columns of the open row. Not null: the message has a key that is no text, and
/// the row must be taken back.
std::optional<typed::record_fault> append_metadata(const rd_kafka_message_s& from, const std::string& topic,
                                                   const messages::message_table& what, typed::rows& into);

}  // namespace sluice
