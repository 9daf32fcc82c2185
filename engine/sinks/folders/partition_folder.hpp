#pragma once

#include "engine/component/sink.hpp"

#include <arrow/type_fwd.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::folders {

/// What `partition_by` names: columns of what arrives, by number, in the order of the option. Parquet files are without
/// them, as Hive wants it, since our source takes them from the folders' names; files of other formats have them too,
/// since their sources don't.
struct partition_columns {
  std::vector<int> keys;
  std::vector<std::string> names;
  std::shared_ptr<arrow::Schema> in_files;  ///< the columns that the files have
};

/// Reads `partition_by`; faults point at the option. Errors: unknown_column, invalid_option (a column named twice, a
/// type that is no name of a folder, no column left for the files).
partition_columns read_partition_by(const sink_request& request, const std::string& component, diagnostics& faults);

/// The folders of a partition below the target, as Hive writes them: "day=2024-05-01/country=DE". Null is
/// __HIVE_DEFAULT_PARTITION__; bytes that are special in a path, in a glob or to Hive are written as %2F. A source that
/// reads the folder gives the same values back. The error is value_too_large: a name of more than 255 bytes.
result<std::string> partition_folder(const partition_columns& by,
                                     const std::vector<std::shared_ptr<arrow::Array>>& keys, std::int64_t row);

}  // namespace sluice::folders
