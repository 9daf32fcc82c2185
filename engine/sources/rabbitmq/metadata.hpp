#pragma once

#include "engine/clients/rabbitmq/consumer.hpp"
#include "engine/columns/typed/rows.hpp"
#include "engine/formats/messages/message_table.hpp"

#include <optional>
#include <vector>

namespace sluice {

/// What `metadata:` of a rabbitmq source can ask for, in the order of rabbitmq_metadata_kinds().
enum class rabbitmq_metadata : std::size_t { id, timestamp, exchange, routing_key, redelivered, headers };
const std::vector<messages::metadata_kind>& rabbitmq_metadata_kinds();

/// Appends metadata of a message to the columns of the open row. Not null: a text of the message is no UTF-8, and the
/// row must be taken back.
std::optional<typed::record_fault> append_metadata(const rabbitmq::message& from, const messages::message_table& what,
                                                   typed::rows& into);

}  // namespace sluice
