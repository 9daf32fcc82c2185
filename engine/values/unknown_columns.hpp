#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string>

/// What planning knows of the columns below a fault: some have a type that nobody knows, and there may be others.
/// Everything that such a column would decide is passed over in silence, so that one fault is reported once: to bind an
/// expression that reads one gives null without a fault, as does a param of this type. Such schemas exist only while
/// faults are collected; no plan holds one.
namespace sluice {

/// The type of a column whose expression or declaration has a fault.
const std::shared_ptr<arrow::DataType>& unknown_type();
bool is_unknown(const arrow::DataType& type);

/// Columns of which nothing is known: every name is taken to be there.
const std::shared_ptr<arrow::Schema>& unknown_columns();
/// True where there may be columns beyond those that the schema names.
bool has_unknown_columns(const arrow::Schema& schema);

/// The columns whose names and types are known.
std::shared_ptr<arrow::Schema> known_columns(const arrow::Schema& schema);

}  // namespace sluice
