#pragma once

#include "engine/expression/node.hpp"

namespace sluice::expression {

// Letter case by Unicode's simple mappings: every character stands for one character, as in PostgreSQL.

result<array_ptr> lower_kernel(call& c);
/// ß stays as it is: it has no simple upper case.
result<array_ptr> upper_kernel(call& c);
/// Upper case for a letter that follows nothing, or neither a letter nor a digit; lower case for the others.
result<array_ptr> initcap_kernel(call& c);

}  // namespace sluice::expression
