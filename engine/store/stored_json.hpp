#pragma once

#include "engine/component/options.hpp"

#include <string>

namespace sluice::store {

// JSON in columns of the Store's tables.

/// Text from users' data need not be UTF-8: what is not becomes U+FFFD rather than an exception.
inline std::string to_text(const options& value) { return value.dump(); }

/// Null where it is not JSON.
inline options from_text(const std::string& text) { return options::try_parse(text).value_or(options()); }

}  // namespace sluice::store
