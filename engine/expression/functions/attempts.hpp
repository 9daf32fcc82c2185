#pragma once

#include "engine/expression/bind/binder.hpp"

namespace sluice::expression {

/// The node of error('text') as a value of another type, or null where `of` is something else.
node_ptr typed_error(const node_ptr& of, const type_ptr& to);
/// try_cast: null where the cast fails.
node_ptr make_attempt(binder& b, node_ptr value, std::size_t at, const type_ptr& to);

}  // namespace sluice::expression
