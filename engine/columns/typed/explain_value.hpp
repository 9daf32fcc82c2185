#pragma once

#include "engine/columns/typed/column_plan.hpp"
#include "engine/error/error.hpp"

#include <cstdint>
#include <string>

namespace sluice::typed {

/// The error for a value that an inferred type has no room for: contradicts_type, with the `types:` line that mends it.
/// `line` 0: not known.
error contradicts_inference(const column_plan& column, const std::string& value, std::int64_t sampled_rows,
                            const std::string& file, std::uint64_t line);

}  // namespace sluice::typed
