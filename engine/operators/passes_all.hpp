#pragma once

namespace sluice {

/// A transform whose rows all go on, each in its place and whatever it holds: none is rejected, dropped or added
/// (rename, drop).
class passes_all {
 public:
  virtual ~passes_all() = default;
};

}  // namespace sluice
