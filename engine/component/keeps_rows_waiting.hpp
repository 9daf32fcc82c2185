#pragma once

#include <cstdint>

namespace sluice {

/// A sink that keeps rows on disk while its system is down says how many by this interface beside `sink`. Thread-safe.
class keeps_rows_waiting {
 public:
  virtual ~keeps_rows_waiting() = default;
  /// Rows of this run, and of those that it goes on behind, that were prepared and that the target does not have.
  [[nodiscard]] virtual std::uint64_t waiting() const = 0;
};

/// The same of a sink that wraps another one; 0 where that does not say.
template <class Component>
std::uint64_t waiting_in(const Component* inner) {
  const auto* const says = dynamic_cast<const keeps_rows_waiting*>(inner);
  return says == nullptr ? 0 : says->waiting();
}

}  // namespace sluice
