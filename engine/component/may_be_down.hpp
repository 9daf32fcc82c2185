#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sluice {

/// A system that can't be reached now.
struct down_state {
  std::int64_t since = 0;  ///< microseconds since 1970 UTC
  std::string why;         ///< the first failure
};

/// A source or sink that tries again to reach a system that is down says so by this interface beside its own.
/// Thread-safe.
class may_be_down {
 public:
  virtual ~may_be_down() = default;
  /// Nothing where the system was reached last.
  [[nodiscard]] virtual std::optional<down_state> down() const = 0;
};

/// The same of a component that wraps another one; nothing where that does not say.
template <class Component>
std::optional<down_state> down_of(const Component* inner) {
  const auto* const says = dynamic_cast<const may_be_down*>(inner);
  return says == nullptr ? std::nullopt : says->down();
}

}  // namespace sluice
