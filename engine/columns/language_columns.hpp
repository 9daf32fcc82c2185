#pragma once

#include "engine/component/component.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>

namespace sluice {

/// The schema of a columnar file in the language's types. A wanted column of a type that the language lacks is a fault.
std::shared_ptr<arrow::Schema> language_schema(const arrow::Schema& file, const source_request& request,
                                               const std::string& name, diagnostics& faults);

/// Checks that a further file has every column in `wanted` with the same type; other columns are passed over.
status same_columns(const arrow::Schema& wanted, const arrow::Schema& file, const std::string& name);

/// Casts to the language's type, nested ones too. A value that the type can't hold fails: nothing changes silently.
result<std::shared_ptr<arrow::Array>> to_language(const std::shared_ptr<arrow::Array>& values,
                                                  const std::shared_ptr<arrow::DataType>& type,
                                                  const std::string& column, const std::string& file);

/// Fails (invalid_utf8) where texts, also those in lists and structs, are not UTF-8: writers may call any bytes text.
status check_texts(const arrow::Array& values, const std::string& column, const std::string& file);

/// An error about a file whose bytes are not what they should be.
error corrupt_file(const std::string& name, const std::string& format, const arrow::Status& why);

}  // namespace sluice
