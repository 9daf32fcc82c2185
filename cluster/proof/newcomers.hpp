#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace sluice::cluster {

/// Connections whose peer has proven nothing yet. There are at most so many: a new one takes the place of the oldest,
/// which an honest peer has left long before. So strangers that hold connections keep nobody out.
template <class Connection>
class newcomers {
 public:
  using ticket = std::uint64_t;

  explicit newcomers(std::size_t most) : most_(most) {}

  /// Adds one; calls `evict()` of the oldest where there are too many. Give the ticket to `remove` when it is proven or
  /// gone.
  ticket add(const std::shared_ptr<Connection>& one) {
    const auto made = ++last_;
    waiting_.emplace(made, one);
    if (waiting_.size() > most_) evict_oldest();
    return made;
  }
  void evict_oldest() {
    if (waiting_.empty()) return;
    const auto oldest = waiting_.begin()->second.lock();
    waiting_.erase(waiting_.begin());
    if (oldest) oldest->evict();
  }
  void remove(ticket of) { waiting_.erase(of); }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }

  /// Ends all.
  void clear() {
    const auto gone = std::exchange(waiting_, {});
    for (const auto& [number, weak] : gone)
      if (const auto one = weak.lock()) one->evict();
  }

 private:
  std::size_t most_;
  ticket last_ = 0;
  std::map<ticket, std::weak_ptr<Connection>> waiting_;
};

}  // namespace sluice::cluster
