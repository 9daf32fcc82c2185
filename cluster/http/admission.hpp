#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>

namespace sluice::cluster {

/// Shares out something of which there is so much, first come, first served: who finds too little left waits, and is
/// called when it is its turn. For one thread.
class admission {
 public:
  admission(std::int64_t all, std::size_t most_waiting) : free_(all), most_waiting_(most_waiting) {}

  /// Calls `then` once `amount` is its own, maybe at once; false where too many wait already. Give it back with
  /// `leave`. No amount may be larger than all.
  [[nodiscard]] bool enter(std::int64_t amount, std::function<void()> then) {
    if (waiting_.empty() && amount <= free_) {
      free_ -= amount;
      then();
      return true;
    }
    if (waiting_.size() >= most_waiting_) return false;
    waiting_.push_back({amount, std::move(then)});
    return true;
  }

  void leave(std::int64_t amount) {
    free_ += amount;
    if (calling_) return;
    calling_ = true;
    while (!waiting_.empty() && waiting_.front().amount <= free_) {
      const auto next = std::move(waiting_.front());
      waiting_.pop_front();
      free_ -= next.amount;
      next.then();
    }
    calling_ = false;
  }

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  struct visitor {
    std::int64_t amount = 0;
    std::function<void()> then;
  };

  std::int64_t free_;
  std::size_t most_waiting_;
  std::deque<visitor> waiting_;
  bool calling_ = false;  ///< a visitor may leave while it is called
};

}  // namespace sluice::cluster
