#include "cluster/http/event_follower.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace sluice::cluster {

namespace {

constexpr auto slow_reader_limit = std::chrono::seconds(60);
constexpr auto keep_alive_after = std::chrono::seconds(10);
constexpr std::size_t events_at_once = 256;
constexpr auto least_between_progress = std::chrono::milliseconds(100);

}  // namespace

event_follower::event_follower(http_shared& shared, stream_request what)
    : event_watch(shared, std::move(what), events_at_once), progress_timer_(network()), follow_(this->what().follow) {}

void event_follower::start() {
  watch(follow_);
  if (follow_ && what().progress) tell_progress_later();
  open();
}

void event_follower::found(const result<streamed_events>& events, bool ended, bool last_look) {
  if (over()) return;
  if (!events.ok()) return end();
  const auto now = std::chrono::steady_clock::now();
  if (!events->empty()) {
    quiet_since_ = now;
    writing_ = true;
    give(*events, ended);
    return limit_time();
  }
  if (ended || last_look) return end();
  if (now - quiet_since_ >= keep_alive_after) {
    quiet_since_ = now;
    writing_ = true;
    keep_alive();
    return limit_time();
  }
  wait(quiet_since_ + keep_alive_after);
}

void event_follower::tell_progress_later() {
  progress_timer_.expires_after(std::max<std::chrono::microseconds>(*what().progress, least_between_progress));
  progress_timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    const auto self = std::static_pointer_cast<event_follower>(weak.lock());
    if (!self || cancelled || self->over()) return;
    boost::asio::post(self->blocking(), [self] {
      auto how_far = self->answers().progress_event(self->what().run);
      boost::asio::post(self->network(),
                        [self, how_far = std::move(how_far)]() mutable { self->tell_progress(std::move(how_far)); });
    });
  });
}

/// A reader that is behind, or that looks for events at this moment, hears of it the next time.
void event_follower::tell_progress(std::optional<store::event> how_far) {
  if (over()) return;
  if (how_far && !writing_ && waits()) {
    stop_waiting();
    quiet_since_ = std::chrono::steady_clock::now();
    writing_ = true;
    give({std::make_shared<const streamed_event>(std::move(*how_far))}, false);
    limit_time();
  }
  tell_progress_later();
}

void event_follower::sent(bool last) {
  writing_ = false;
  if (over()) return;
  if (last) return end();
  look();
}

void event_follower::limit_time() {
  if (over() || !writing_) return;
  after(slow_reader_limit, [this] { end(); });
}

void event_follower::finish() {
  follow_ = false;
  wake();
}

void event_follower::end() {
  if (over()) return;
  progress_timer_.cancel();
  stop();
  close();
}

}  // namespace sluice::cluster
