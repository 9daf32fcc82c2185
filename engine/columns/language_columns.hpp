#pragma once

#include "engine/component/component.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string>

namespace sluice {

/// The schema of a columnar file in the language's types. A column that can't be read, because the language lacks its
/// type or the file has its name twice, is a fault where `columns:` names it; else it is marked as unreadable, and the
/// plan refuses it where somebody uses it.
std::shared_ptr<arrow::Schema> language_schema(const arrow::Schema& file, const source_request& request,
                                               const std::string& name, diagnostics& faults);

/// Why the column that language_schema marked can't be read; nothing where it can.
std::optional<std::string> unreadable(const arrow::Field& field);

/// Checks that a further file has every column in `wanted` with the same type; other columns are passed over.
status same_columns(const arrow::Schema& wanted, const arrow::Schema& file, const std::string& name);

/// Casts to the language's type, nested ones too. A value that the type can't hold fails: nothing changes silently.
result<std::shared_ptr<arrow::Array>> to_language(const std::shared_ptr<arrow::Array>& values,
                                                  const std::shared_ptr<arrow::DataType>& type,
                                                  const std::string& column, const std::string& file);

/// Fails (invalid_utf8) where texts, also those in lists and structs, are not UTF-8: writers may call any bytes text.
status check_texts(const arrow::Array& values, const std::string& column, const std::string& file);

/// Fails (value_out_of_range) where times, also those in lists and structs, are outside the day (00:00:00 to
/// 23:59:59.999999): Parquet files may hold any number.
status check_times_of_day(const arrow::Array& values, const std::string& column, const std::string& file);

/// An error about a file whose bytes are not what they should be.
error corrupt_file(const std::string& name, const std::string& format, const arrow::Status& why);

}  // namespace sluice
