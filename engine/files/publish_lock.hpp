#pragma once

#include "engine/component/interruption.hpp"

#include <chrono>
#include <string>

namespace sluice {

/// Keeps other runs, in this process or another one, from publishing into a folder at the same time. The folder itself
/// is locked, so that nothing has to be made or removed; the kernel lets go of it when the process dies.
class publish_lock {
 public:
  /// Waits for its turn. Errors: target_busy (after `patience`), interrupted, cannot_lock (a file system without such
  /// locks, or a folder that can't be read).
  static result<publish_lock> take(const std::string& folder, interruption& stop,
                                   std::chrono::milliseconds patience = usual_patience);
  publish_lock(publish_lock&& other) noexcept;
  publish_lock& operator=(publish_lock&&) = delete;
  ~publish_lock();

  /// What is done meanwhile is a comparison and a rename, at worst a copy of what another run has published.
  static constexpr std::chrono::milliseconds usual_patience = std::chrono::seconds(30);

 private:
  explicit publish_lock(int folder) : folder_(folder) {}
  int folder_ = -1;
};

}  // namespace sluice
