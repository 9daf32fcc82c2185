#pragma once

#include "engine/expression/expression.hpp"

#include <arrow/type_fwd.h>

namespace sluice::expression {

/// Evaluates, where errors count only in rows whose bit is set in `counting` (one bit a row from bit 0, in whole words
/// of 64 bits; null: all rows); what the other rows hold is undefined.
result<evaluated> evaluate_where(const bound& what, const batch& rows, const std::shared_ptr<arrow::Buffer>& counting);

}  // namespace sluice::expression
