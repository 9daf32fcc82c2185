#pragma once

#include "engine/error.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

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
/// One value as a CSV sink writes it: the canonical text of every type (null: empty).
std::string value_text(const arrow::Array& column, std::int64_t row);
/// `name` as SQL wants it written: quoted where it is not a plain lower-case identifier.
std::string quoted_identifier(std::string_view name);
/// The known name nearest to `name` (edit distance at most a third of its length), or empty.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);
/// Parses "90s", "1h30m", "250ms" to microseconds.
result<std::int64_t> parse_duration(std::string_view text);
/// Parses "512MiB", "2GB", "100" to bytes.
result<std::int64_t> parse_size(std::string_view text);

}  // namespace sluice
