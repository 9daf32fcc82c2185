#pragma once

#include "engine/expression/functions/support.hpp"

namespace sluice::expression {

/// to_char(number, format).
node_ptr bind_number_to_char(binder& b, const call_site& site);

const std::vector<function>& number_text_functions();

}  // namespace sluice::expression
