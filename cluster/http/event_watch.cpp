#include "cluster/http/event_watch.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace sluice::cluster {

event_watch::event_watch(http_shared& shared, stream_request what, std::size_t most_at_once)
    : shared_(shared), what_(std::move(what)), most_(most_at_once), at_(what_.after), timer_(shared_.network) {
  ++shared_.streams;
}

event_watch::~event_watch() { --shared_.streams; }

void event_watch::watch(bool follow) { is_told_ = follow && shared_.tail.add(shared_from_this()); }

void event_watch::wake() {
  woken_ = true;
  if (waits_ && !over_) look();
}

void event_watch::look() {
  waits_ = woken_ = false;
  timer_.cancel();
  const bool last_look = is_last_look();
  // The newest are told of a little after they are in the Store: that is where the last look goes.
  if (looked_ && is_told_ && !last_look && shared_.tail.reaches_back_to(at_)) {
    auto events = shared_.tail.above(at_, what_.run, most_);
    const bool ended = has_end(events);
    return found(std::move(events), ended, last_look);
  }
  auto from = what_;
  from.after = at_;
  const auto newest = shared_.tail.newest();
  boost::asio::post(shared_.blocking, [self = shared_from_this(), from = std::move(from), last_look, newest] {
    bool ended = false;
    auto read = self->shared_.answers.events(from, static_cast<std::int64_t>(self->most_), ended);
    auto events = read.ok() ? result<streamed_events>(streamed(std::move(read).value()))
                            : result<streamed_events>(std::move(read).problem());
    boost::asio::post(self->shared_.network, [self, events = std::move(events), ended, last_look, newest]() mutable {
      self->looked(std::move(events), ended, last_look, newest);
    });
  });
}

void event_watch::looked(result<streamed_events> events, bool ended, bool last_look, std::int64_t newest) {
  if (over_) return;
  looked_ = true;
  if (events.ok() && !events->empty()) {
    at_ = events->back()->event.cursor;
    // What comes now may be only the first of many.
    woken_ = true;
  }
  // There was no other one of the run up to the newest that was known before the look.
  if (events.ok() && events->size() < most_) at_ = std::max(at_, newest);
  found(events, ended, last_look);
}

bool event_watch::has_end(const streamed_events& events) const {
  return !what_.run.empty() &&
         std::any_of(events.begin(), events.end(), [](const auto& one) { return is_last_event(one->event.type); });
}

void event_watch::wait(std::chrono::steady_clock::time_point until) {
  waits_ = true;
  if (woken_) return look();
  // Where nobody tells of new events they are looked for.
  if (!is_told_) until = std::min(until, std::chrono::steady_clock::now() + std::chrono::seconds(1));
  timer_.expires_at(until);
  // While it waits nothing else keeps it.
  timer_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
    if (!cancelled && self->waits_ && !self->over_) self->look();
  });
}

void event_watch::after(std::chrono::steady_clock::duration time, std::function<void()> what) {
  timer_.expires_after(time);
  timer_.async_wait([weak = weak_from_this(), what = std::move(what)](boost::system::error_code cancelled) {
    if (const auto self = weak.lock(); self && !cancelled && !self->over_) what();
  });
}

void event_watch::stop() {
  over_ = true;
  timer_.cancel();
}

}  // namespace sluice::cluster
