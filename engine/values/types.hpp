#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <string_view>

namespace sluice {

// The types of the language as Arrow holds them, where they have parameters: microseconds, and UTC in timestamptz.
const std::shared_ptr<arrow::DataType>& timestamp_type();
const std::shared_ptr<arrow::DataType>& timestamptz_type();
const std::shared_ptr<arrow::DataType>& time_type();
const std::shared_ptr<arrow::DataType>& interval_type();

/// Parses an SQL type ("decimal(12,2)", "timestamptz", "text[]", "struct(a bigint, b text)") or an alias (int64,
/// varchar). The error names the nearest known type, with `offset` into the text.
result<std::shared_ptr<arrow::DataType>> parse_type(std::string_view text);
/// The language's type for any Arrow type that holds the same values (int8 -> smallint, large_utf8 and dictionary ->
/// text, timestamp[ns] -> timestamp); `type` itself where it is one already; null where there is none. Sources cast to
/// it, so that batches hold nothing else.
std::shared_ptr<arrow::DataType> language_type(const std::shared_ptr<arrow::DataType>& type);
/// The SQL name of a type, as parse_type takes it.
std::string type_name(const arrow::DataType& type);
/// "id bigint, name text", for messages and `explain`.
std::string schema_text(const arrow::Schema& schema);

}  // namespace sluice
