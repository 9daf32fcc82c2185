#pragma once

#include "engine/component/source.hpp"
#include "engine/sources/kafka/kafka_table.hpp"

#include <arrow/type_fwd.h>

#include <memory>

namespace sluice {

/// Infers the columns of JSON messages from the first ones (1,000, or `sample:`) from where the source begins; where
/// that is the end, from the last ones. Waits at most 5 s for them. The errors: empty_source, invalid_json, and those
/// of the brokers.
result<std::shared_ptr<arrow::Schema>> sample_columns(const kafka_table& of, std::optional<std::int64_t> messages);

}  // namespace sluice
