#pragma once

#include <caf/actor.hpp>

#include <atomic>
#include <memory>

namespace sluice::cluster {

/// Knows whether an actor is still there, for threads that may not wait for an answer of it.
class lifeline {
 public:
  void follow(const caf::actor& whom) {
    *alive_ = true;
    whom->attach_functor([alive = alive_] { *alive = false; });
  }
  /// False before there is one and after it has ended, for whatever reason.
  [[nodiscard]] bool alive() const { return *alive_; }

 private:
  std::shared_ptr<std::atomic<bool>> alive_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace sluice::cluster
