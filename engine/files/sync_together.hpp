#pragma once

#include "engine/error/error.hpp"

#include <string>

namespace sluice {

/// While one lives, files that this thread prepares or publishes are not made durable one by one: `finish` does it for
/// all of them, by one call for the whole file system. Nothing may count as prepared before that. For sinks that
/// complete many files at once.
class sync_together {
 public:
  /// `active` false: it changes nothing.
  explicit sync_together(bool active);
  ~sync_together();
  sync_together(const sync_together&) = delete;
  sync_together& operator=(const sync_together&) = delete;

  /// Makes all durable that was written to the file system of a folder. Does nothing where it is not active.
  [[nodiscard]] status finish(const std::string& folder) const;
  /// True where somebody will finish.
  static bool active();

 private:
  bool active_;
};

}  // namespace sluice
