#pragma once

#include "actors/messages.hpp"
#include "engine/error/row_errors.hpp"

#include <string>
#include <vector>

namespace sluice::actors {

/// Rejected rows as a batch of plan's `rejects_schema`, for `unit.rejects` ports.
result<batch> rejects_batch(const std::vector<rejected_row>& rows, const std::shared_ptr<arrow::Schema>& schema,
                            const std::string& run);
/// The rows of `in` that have errors, all those of a row joined, for the rejects; unit and place are left open.
std::vector<rejected_row> rejected_rows(const batch& in, const row_errors& why);
/// One row as JSON: numbers and booleans as they are, null, all else as text.
std::string row_json(const arrow::RecordBatch& of, std::int64_t row);
/// One rejected row as a line of the rejects file. A record that is not UTF-8 is written as record_base64.
std::string rejects_line(const rejected_row& row, const std::string& run);

}  // namespace sluice::actors
