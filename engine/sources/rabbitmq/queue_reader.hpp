#pragma once

#include "engine/columns/row_filter.hpp"
#include "engine/sources/rabbitmq/queue_source.hpp"

#include <memory>
#include <string>

namespace sluice {

/// Opens the reader of a queue, behind the message of a number. `filter` may be null; `of` must outlive it.
result<std::unique_ptr<split_reader>> read_queue(std::shared_ptr<const queue_table> what,
                                                 std::shared_ptr<const row_filter> filter, queue_source& of,
                                                 std::shared_ptr<rabbitmq::consumer> from, std::uint64_t behind);

/// The position behind a message; `ids` are those of remembered_ids, empty in the positions of steps.
std::string queue_position_of(const std::string& queue, std::uint64_t number, const std::string& ids);

}  // namespace sluice
