#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/http/shared.hpp"

#include <memory>
#include <vector>

namespace sluice::cluster {

/// Follows the event log for one reader: catches up from the Store by cursor, then waits to be woken. At most 256
/// events are in memory, however slow the reader is; one that takes nothing for a minute is dropped. How events reach
/// the reader is for those that derive from it. All on the network's thread.
class event_follower : public std::enable_shared_from_this<event_follower> {
 public:
  event_follower(http_shared& shared, stream_request what);
  virtual ~event_follower();
  event_follower(const event_follower&) = delete;
  event_follower& operator=(const event_follower&) = delete;

  void start();

 protected:
  /// Begins; calls `sent(false)` when events can be given.
  virtual void open() = 0;
  /// Writes events, then calls `sent(last)`.
  virtual void give(const std::vector<store::event>& events, bool last) = 0;
  /// Writes something that is no event, where nothing has come for a while, then calls `sent(false)`.
  virtual void keep_alive() = 0;
  /// There is nothing more to write.
  virtual void close() = 0;

  void sent(bool last);
  /// The reader is gone, or all was said.
  void end();
  /// The reader wants what there is now, and then no more.
  void finish();
  /// What is being written has to be taken within a minute, from now on.
  void limit_time();
  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] const stream_request& what() const { return what_; }
  template <class Derived>
  std::shared_ptr<Derived> self_as() {
    return std::static_pointer_cast<Derived>(shared_from_this());
  }

 private:
  void fetch();
  void on_fetched(const result<std::vector<store::event>>& found, bool ended, bool last_look);
  void wait();

  static constexpr int events_at_once = 256;

  http_shared& shared_;
  stream_request what_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<void> subscription_;
  int quiet_seconds_ = 0;
  bool busy_ = true;    ///< fetching or sending
  bool woken_ = false;  ///< while busy
  bool over_ = false;
};

}  // namespace sluice::cluster
