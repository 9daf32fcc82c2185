#pragma once

#include <cstdint>

namespace sluice {

/// A transform that can make do with less where only its first rows are wanted (sort before limit).
class keeps_first {
 public:
  virtual ~keeps_first() = default;
  /// Called before any row comes. Rows beyond are filtered, and counted as such.
  virtual void keep_first(std::int64_t rows) = 0;
};

/// A transform that lets its first rows through and no others, whatever they hold (limit).
class passes_first {
 public:
  virtual ~passes_first() = default;
  [[nodiscard]] virtual std::int64_t rows_passed() const = 0;
};

}  // namespace sluice
