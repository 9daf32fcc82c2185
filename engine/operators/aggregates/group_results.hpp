#pragma once

#include "engine/operators/aggregates/aggregation.hpp"
#include "engine/operators/aggregates/group_pass.hpp"

#include <memory>
#include <span>
#include <vector>

namespace sluice::aggregates {

/// The keys of some groups, as the first row of each writes them.
result<std::vector<std::shared_ptr<arrow::Array>>> read_keys(const aggregation& what, group_pass& pass,
                                                             std::span<const std::uint32_t> groups);
/// Reads the outputs of some groups, one row for each. A group for which a call has no value (a sum beyond its type) or
/// whose final expression fails is null in that output, and an error of that row.
result<std::vector<std::shared_ptr<arrow::Array>>> read_outputs(const aggregation& what, group_pass& pass,
                                                                const std::vector<std::shared_ptr<arrow::Array>>& keys,
                                                                std::span<const std::uint32_t> groups,
                                                                row_errors& errors);

}  // namespace sluice::aggregates
