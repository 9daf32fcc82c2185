#pragma once

#include "engine/error/error.hpp"
#include "engine/files/follow/followed_file.hpp"
#include "engine/formats/csv/layout.hpp"

#include <cstdint>

namespace sluice::csv {

/// growing_records::complete_until for CSV: a record is complete with its line end outside of quotes. A carriage return
/// at the very end counts only once the next byte is there.
result<std::int64_t> last_record_end(const file_rules& rules, const followed_file& file, std::int64_t from,
                                     std::int64_t to);

}  // namespace sluice::csv
