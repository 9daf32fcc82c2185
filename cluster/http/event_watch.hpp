#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/http/shared.hpp"

#include <chrono>
#include <cstddef>
#include <memory>

namespace sluice::cluster {

/// Looks for the events that somebody waits for: first in the Store, then among the newest, which all share, when it is
/// woken. It holds no thread while it waits. What becomes of the events is for those that derive from it. All on the
/// network's thread.
class event_watch : public std::enable_shared_from_this<event_watch> {
 public:
  event_watch(http_shared& shared, stream_request what, std::size_t most_at_once);
  virtual ~event_watch();
  event_watch(const event_watch&) = delete;
  event_watch& operator=(const event_watch&) = delete;

  /// There may be more.
  void wake();

 protected:
  /// What a look has found; `ended`: the run has no more. `last_look`: what is written later is not to be waited for.
  virtual void found(const result<streamed_events>& events, bool ended, bool last_look) = 0;
  /// Asked before a look: an event written between the look and the end would otherwise be missed.
  [[nodiscard]] virtual bool is_last_look() const = 0;

  /// To be woken from now on, where `follow` says so.
  void watch(bool follow);
  /// Ends in `found`.
  void look();
  /// The next look is when there are more events, and after that time at the latest.
  void wait(std::chrono::steady_clock::time_point until);
  /// Calls `what` unless something else happens before.
  void after(std::chrono::steady_clock::duration time, std::function<void()> what);
  void stop();

  /// Something else is written meanwhile, and `look` comes behind it.
  void stop_waiting() { waits_ = false; }

  [[nodiscard]] bool waits() const { return waits_; }
  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] const stream_request& what() const { return what_; }
  [[nodiscard]] boost::asio::io_context& network() { return shared_.network; }
  [[nodiscard]] boost::asio::thread_pool& blocking() { return shared_.blocking; }
  [[nodiscard]] const api& answers() const { return shared_.answers; }
  [[nodiscard]] bool draining() const { return shared_.draining; }
  template <class Derived>
  std::shared_ptr<Derived> self_as() {
    return std::static_pointer_cast<Derived>(shared_from_this());
  }

 private:
  void looked(result<streamed_events> events, bool ended, bool last_look, std::int64_t newest);
  [[nodiscard]] bool has_end(const streamed_events& events) const;

  http_shared& shared_;
  const stream_request what_;
  const std::size_t most_;
  std::int64_t at_;  ///< cursor of the last event that was looked at
  boost::asio::steady_timer timer_;
  bool is_told_ = false;  ///< it is woken when there are more
  bool waits_ = false;    ///< for a wake
  bool woken_ = false;    ///< while it does not
  bool looked_ = false;   ///< in the Store, whether the run has ended
  bool over_ = false;
};

}  // namespace sluice::cluster
