#pragma once

#include "engine/store/store.hpp"

#include <memory>

namespace sluice::store {

/// A Store in front of another one: no value of a secret gets past it. All that is written for people is masked; what
/// the engine reads again (plans, tokens, names of files) is made without secrets by those who make it.
std::shared_ptr<store> make_masking(std::shared_ptr<store> real);

}  // namespace sluice::store
