#pragma once

#include "engine/error/error.hpp"
#include "engine/files/file_target.hpp"
#include "engine/files/files.hpp"
#include "engine/formats/csv/writer.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// The text that a file target held before and that is appended to; nullopt where there was none.
std::optional<input_file> old_text(const file_target& target, compression packed);

/// True where its last line has no end, so that what follows must begin with one. Unpacks all of it: a target that is
/// damaged can't be appended to.
result<bool> lacks_line_end(const file_target& target, const input_file& old);

/// Compares the columns of a CSV file with those that are to be appended, by its header, or by number where there is
/// none. False: it has no header yet. Errors: different_columns, invalid_utf8 (the old text is UTF-16).
result<bool> has_header_of(const input_file& old, const csv::writer_rules& rules,
                           const std::vector<std::string>& columns);

}  // namespace sluice
