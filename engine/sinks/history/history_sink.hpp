#pragma once

#include "engine/sinks/history/history_rule.hpp"

#include <memory>

namespace sluice::history {

/// Adds the columns of ours to rows (valid_from and surrogate, or the mark of deletions) and gives them to `inner`,
/// whose request has `rule->staged` as its schema. Rows for which an expression fails, or `at` is null, are refused.
std::unique_ptr<sink> with_history_columns(std::unique_ptr<sink> inner, const sink_request& request,
                                           std::shared_ptr<const history_rule> rule);

}  // namespace sluice::history
