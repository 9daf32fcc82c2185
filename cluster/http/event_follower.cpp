#include "cluster/http/event_follower.hpp"

#include <boost/asio/post.hpp>

namespace sluice::cluster {

namespace {

constexpr auto slow_reader_limit = std::chrono::seconds(60);
constexpr int keep_alive_seconds = 10;

}  // namespace

event_follower::event_follower(http_shared& shared, stream_request what)
    : shared_(shared), what_(std::move(what)), timer_(shared_.network) {
  ++shared_.streams;
}

event_follower::~event_follower() { --shared_.streams; }

void event_follower::start() {
  const auto& subscribe = shared_.answers.handlers().subscribe;
  if (subscribe && what_.follow) {
    subscription_ = subscribe(what_.run, [weak = weak_from_this(), shared = shared_.weak_from_this()] {
      const auto alive = shared.lock();
      if (!alive) return;
      boost::asio::post(alive->network, [weak] {
        const auto self = weak.lock();
        if (!self || self->over_) return;
        self->woken_ = true;
        if (!self->busy_) self->fetch();
      });
    });
  }
  open();
}

void event_follower::fetch() {
  busy_ = true;
  woken_ = false;
  timer_.cancel();
  boost::asio::post(shared_.blocking, [self = shared_from_this(), what = what_] {
    // Asked before looking: an event written between a look and the end of the server would otherwise be missed.
    const bool last_look = !what.follow || self->shared_.draining;
    bool ended = false;
    auto found = self->shared_.answers.events(what, events_at_once, ended);
    boost::asio::post(self->shared_.network, [self, found = std::move(found), ended, last_look] {
      self->on_fetched(found, ended, last_look);
    });
  });
}

void event_follower::on_fetched(const result<std::vector<store::event>>& found, bool ended, bool last_look) {
  if (over_) return;
  if (!found.ok()) return end();
  const bool last = ended || (found->empty() && last_look);
  if (!found->empty()) {
    what_.after = found->back().cursor;
    quiet_seconds_ = 0;
    // What comes now may be only the first of many.
    if (!last) woken_ = true;
    busy_ = true;
    give(*found, last);
    return limit_time();
  }
  if (last) return end();
  if (++quiet_seconds_ >= keep_alive_seconds) {
    quiet_seconds_ = 0;
    busy_ = true;
    keep_alive();
    return limit_time();
  }
  wait();
}

void event_follower::sent(bool last) {
  if (over_) return;
  if (last) return end();
  fetch();
}

void event_follower::limit_time() {
  if (over_ || !busy_) return;
  timer_.expires_after(slow_reader_limit);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    if (const auto self = weak.lock(); self && !cancelled) self->end();
  });
}

void event_follower::wait() {
  busy_ = false;
  if (woken_) return fetch();
  // Looking once a second also finds events that another process wrote to the same Store.
  timer_.expires_after(std::chrono::seconds(1));
  timer_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
    if (!cancelled && !self->over_ && !self->busy_) self->fetch();
  });
}

void event_follower::finish() {
  what_.follow = false;
  woken_ = true;
  if (!busy_ && !over_) fetch();
}

void event_follower::end() {
  if (over_) return;
  over_ = true;
  subscription_.reset();
  timer_.cancel();
  close();
}

}  // namespace sluice::cluster
