#pragma once

#include <optional>
#include <string>

namespace sluice {

/// A transform that drops rows by a condition before it does anything else says so by this interface beside
/// `transform`, so that a source directly above can leave them out (takes_filter).
class filters_first {
 public:
  virtual ~filters_first() = default;
  /// The condition without which no row is looked at any further; nothing where there is none after all.
  [[nodiscard]] virtual std::optional<std::string> first_condition() const = 0;
};

}  // namespace sluice
