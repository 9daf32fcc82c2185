#pragma once

#include "engine/error/error.hpp"
#include "engine/formats/csv/infer.hpp"
#include "engine/formats/csv/layout.hpp"

#include <string>

/// What a CSV source says of files that it can read, but perhaps not as their writer meant them. See
/// engine/error/remarks.hpp.
namespace sluice::csv {

/// Why a column is text though most of its values are not, and what mends it.
error text_column_remark(const std::string& name, const text_reason& why, const std::vector<input_file>& files,
                         const file_rules& rules);

/// That a record seems to have taken others along, because a quote stands in the text of a field.
error swallowed_remark(const many_lines& what, const std::vector<input_file>& files);

/// How a file seems to be written, where that is not what `own` and the defaults say: `separator: ";", skip_rows: 2`.
/// Empty: as they say, or nothing better is known.
std::string better_options(const input_file& file, const options& own);

/// That a file seems to be written in another way, found because `reason`; nullopt: nothing better is known.
std::optional<error> dialect_remark(const input_file& file, const options& own, const std::string& reason);

/// That the line with the names looks like a record, which would then be missing among the rows; nullopt: it does not.
std::optional<error> header_remark(const input_file& file, const options& own, const std::vector<std::string>& names);

}  // namespace sluice::csv
