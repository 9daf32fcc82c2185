#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/http/event_watch.hpp"

#include <chrono>
#include <memory>

namespace sluice::cluster {

/// Follows the event log for one reader. At most 256 events are in memory for it, however slow it is; one that takes
/// nothing for a minute is dropped. How events reach the reader is for those that derive from it.
class event_follower : public event_watch {
 public:
  event_follower(http_shared& shared, stream_request what);

  void start();

 protected:
  /// Begins; calls `sent(false)` when events can be given.
  virtual void open() = 0;
  /// Writes events, then calls `sent(last)`.
  virtual void give(const streamed_events& events, bool last) = 0;
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

 private:
  void found(const result<streamed_events>& events, bool ended, bool last_look) override;
  [[nodiscard]] bool is_last_look() const override { return !follow_ || draining(); }

  void tell_progress_later();
  void tell_progress(std::optional<store::event> how_far);

  boost::asio::steady_timer progress_timer_;
  bool follow_;
  bool writing_ = true;
  std::chrono::steady_clock::time_point quiet_since_ = std::chrono::steady_clock::now();
};

}  // namespace sluice::cluster
