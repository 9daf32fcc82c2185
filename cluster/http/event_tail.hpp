#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "engine/error/error.hpp"
#include "engine/store/store.hpp"

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace sluice::cluster {

struct http_shared;
class event_watch;

/// An event as streams send it; its texts are made once for all of them. Of the network thread.
class streamed_event {
 public:
  explicit streamed_event(store::event what) : event(std::move(what)) {}
  /// See stream_text; secrets are masked.
  [[nodiscard]] const std::string& text(bool server_sent) const;

  const store::event event;

 private:
  mutable std::string sent_;
  mutable std::string line_;
};
using streamed_events = std::vector<std::shared_ptr<const streamed_event>>;
streamed_events streamed(std::vector<store::event> events);

/// The newest events, read once for all streams of a server, which are woken when there are more: at most every few
/// milliseconds, however many there are. All on the network's thread.
class event_tail {
 public:
  explicit event_tail(http_shared& shared);
  ~event_tail();
  event_tail(const event_tail&) = delete;
  event_tail& operator=(const event_tail&) = delete;

  /// From now on somebody is to be woken; false where nobody tells of events, and the Store has to be looked at.
  bool add(const std::shared_ptr<event_watch>& one);
  /// All events above this cursor are here.
  [[nodiscard]] bool reaches_back_to(std::int64_t after) const { return from_ >= 0 && after >= from_; }
  /// Cursor of the newest event that has come; 0: none has.
  [[nodiscard]] std::int64_t newest() const { return events_.empty() ? 0 : events_.back()->event.cursor; }
  /// Those above a cursor, of a run or (empty) of all, up to `limit`; `after` moves to the last that was looked at.
  [[nodiscard]] streamed_events above(std::int64_t& after, const std::string& run, std::size_t limit) const;
  /// The server ends: everybody looks once more.
  void wake_all();

 private:
  void took(std::vector<store::event> events);
  void wake_soon();

  http_shared& shared_;
  std::shared_ptr<void> subscription_;
  std::deque<std::shared_ptr<const streamed_event>> events_;  ///< by cursor
  std::int64_t from_ = -1;                                    ///< cursor before the first; -1: none has come
  std::vector<std::weak_ptr<event_watch>> watches_;
  boost::asio::steady_timer pause_;
  bool pausing_ = false;
  bool woken_ = false;  ///< while pausing
};

}  // namespace sluice::cluster
