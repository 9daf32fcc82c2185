#include "engine/columns/typed/null_rules.hpp"

#include <algorithm>

namespace sluice::typed {

null_rules::null_rules(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {
  for (const auto& token : tokens_) lengths_ |= std::uint64_t{1} << std::min<std::size_t>(token.size(), 63);
}

bool null_rules::matches(std::string_view text) const {
  return std::any_of(tokens_.begin(), tokens_.end(), [&](const auto& token) { return token == text; });
}

}  // namespace sluice::typed
