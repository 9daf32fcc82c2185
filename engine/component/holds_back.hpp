#pragma once

namespace sluice {

/// A transform that passes rows on as they come but may have to hold some back (in the spill folder, or until another
/// input has ended): watermarks wait for those rows, which would come behind them otherwise.
class holds_back {
 public:
  virtual ~holds_back() = default;
  /// True while rows that were taken in are still to be passed on.
  [[nodiscard]] virtual bool holds_rows() const = 0;
};

}  // namespace sluice
