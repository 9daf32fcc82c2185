#pragma once

#include "engine/error/error.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::window_functions {

/// Rows of one or more whole partitions, in order, as the calls of one window see them. Running calls may also get a
/// partition in pieces, cut between peers.
struct segment {
  std::int64_t rows = 0;
  bool continues = false;                ///< the first partition began in the segment before
  std::vector<std::int64_t> partitions;  ///< where they begin, then `rows`
  std::vector<std::int64_t> peers;       ///< where groups of rows with equal order keys begin, then `rows`
};

/// What a call reads of a segment: arrays of all its rows.
struct inputs {
  std::vector<std::shared_ptr<arrow::Array>> arguments;
  std::shared_ptr<arrow::Array> filter = nullptr;
  std::shared_ptr<arrow::Array> range_key = nullptr, start_limit = nullptr, end_limit = nullptr;
};

/// Calls visit(begin, end) for each pair of neighbours: partitions or peers.
template <class Visit>
void for_each_part(const std::vector<std::int64_t>& begins, Visit&& visit) {
  for (std::size_t i = 0; i + 1 < begins.size(); ++i) visit(begins[i], begins[i + 1]);
}

}  // namespace sluice::window_functions
