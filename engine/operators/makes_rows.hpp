#pragma once

namespace sluice {

/// A transform whose rows are its own: none of them is one that came in (aggregate). What is rejected behind it is such
/// a row, so nothing of its input is needed for that.
class makes_rows {
 public:
  virtual ~makes_rows() = default;
};

}  // namespace sluice
