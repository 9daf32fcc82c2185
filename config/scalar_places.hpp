#pragma once

#include "config/node.hpp"

#include <cstddef>
#include <string>

namespace sluice::config {

/// The byte of `file` at which byte `offset` of a scalar's value stands: behind quotes, escapes, block indentation and
/// substitutions (all of whose bytes stand where the reference begins).
std::size_t place_in_scalar(const std::string& file, const node& scalar, std::size_t offset);

}  // namespace sluice::config
