#pragma once

#include "engine/columns/row_filter.hpp"
#include "engine/component/source.hpp"
#include "engine/sources/kafka/kafka_table.hpp"

#include <memory>
#include <string>

namespace sluice {

/// Opens a reader that serves many partitions. `filter` may be null; `queued_bytes` are fetched ahead of each.
result<std::unique_ptr<split_reader>> read_kafka(std::shared_ptr<const kafka_table> what,
                                                 std::shared_ptr<const row_filter> filter, std::int64_t queued_bytes,
                                                 const split& piece, const std::string& position);

}  // namespace sluice
