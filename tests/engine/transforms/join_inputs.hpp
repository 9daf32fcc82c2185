#pragma once

#include "tests/support/collector.hpp"

#include <string>
#include <vector>

namespace sluice::testing {

/// The inputs of a join, of the columns that the texts say: "id bigint, cust bigint".
inline std::vector<input_port> inputs(const std::string& left, const std::string& right) {
  return {{"orders", schema_of(left)}, {"customers", schema_of(right)}};
}

}  // namespace sluice::testing
