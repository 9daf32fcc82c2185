#pragma once

#include "engine/error/error.hpp"
#include "engine/files/files.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

/// What the folders of a file's name say: `year=2024` gives the column year. nullopt: null
/// (__HIVE_DEFAULT_PARTITION__). %2F and the like are decoded, as Hive and Spark write them.
std::vector<std::pair<std::string, std::optional<std::string>>> partitions_of(const std::string& name);

/// The partition columns of a source's files, with the type that takes all their values: bigint, date or text. Digits
/// with leading zeros are text. The error is different_columns: files with other partitions than the first.
result<arrow::FieldVector> partition_columns(const std::vector<input_file>& files);

/// The value of a partition as `rows` times the same; an error (contradicts_type) where the type can't hold it.
result<std::shared_ptr<arrow::Array>> partition_values(const std::string& file, const arrow::Field& column,
                                                       std::int64_t rows);

}  // namespace sluice
