#pragma once

#include "config/reading.hpp"

#include <string>

namespace sluice::config {

/// Refuses a secret in a scalar that takes none; true where there is one. `what` is what can't hold it.
bool refuse_secret(const reading& in, const node& value, const std::string& what);

/// The same for a value with all that is in it: transforms show what they are made of, in plans and row errors.
bool refuse_secrets_in(const reading& in, const node& value, const std::string& what);

/// The same of the keys of `encryption:` in a source or sink: true, with a fault, where one is written as text.
bool check_encryption_keys(const reading& in, const node& value);

}  // namespace sluice::config
