#pragma once

#include "engine/error/error.hpp"
#include "engine/files/follow/followed_file.hpp"

#include <cstdint>

namespace sluice::ndjson {

/// growing_records::complete_until for lines of JSON: a line is complete with its newline.
result<std::int64_t> last_line_end(const followed_file& file, std::int64_t from, std::int64_t to);

}  // namespace sluice::ndjson
