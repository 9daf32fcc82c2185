#pragma once

#include <mutex>

namespace sluice {

/// Interrupts the component whose call is under way in another thread, if there is one; once thrown, also each one that
/// comes later. `Component` has `interrupt()`.
template <class Component>
class interrupt_switch {
 public:
  /// Names the component; null: there is none any more. It stays alive until the next call.
  void connect(Component* to) {
    const std::lock_guard guard(lock_);
    to_ = to;
    if (thrown_ && to_ != nullptr) to_->interrupt();
  }
  void interrupt() {
    const std::lock_guard guard(lock_);
    thrown_ = true;
    if (to_ != nullptr) to_->interrupt();
  }

 private:
  std::mutex lock_;
  Component* to_ = nullptr;
  bool thrown_ = false;
};

}  // namespace sluice
