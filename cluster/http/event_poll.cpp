#include "cluster/http/event_poll.hpp"

#include "cluster/http/route.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace sluice::cluster {

event_poll::event_poll(std::shared_ptr<http_connection> client, http_shared& shared, stream_request what)
    : client_(std::move(client)),
      shared_(shared),
      what_(std::move(what)),
      timer_(shared_.network),
      deadline_(std::chrono::steady_clock::now() + *what_.wait) {
  ++shared_.streams;
}

event_poll::~event_poll() { --shared_.streams; }

void event_poll::start() {
  const auto& subscribe = shared_.answers.handlers().subscribe;
  if (subscribe && what_.wait->count() > 0) {
    subscription_ = subscribe(what_.run, [weak = weak_from_this(), shared = shared_.weak_from_this()] {
      const auto alive = shared.lock();
      if (!alive) return;
      boost::asio::post(alive->network, [weak] {
        const auto self = weak.lock();
        if (!self || self->over_) return;
        self->woken_ = true;
        if (!self->busy_) self->look();
      });
    });
  }
  look();
}

void event_poll::look() {
  busy_ = true;
  woken_ = false;
  timer_.cancel();
  boost::asio::post(shared_.blocking, [self = shared_from_this(), what = what_, deadline = deadline_] {
    // Asked before looking: an event written between a look and the end of its time would otherwise wait for the next
    // request.
    const bool last_look = self->shared_.draining || std::chrono::steady_clock::now() >= deadline;
    bool ended = false;
    auto found = self->shared_.answers.events(what, what.limit, ended);
    boost::asio::post(self->shared_.network,
                      [self, found = std::move(found), ended, last_look] { self->on_found(found, ended, last_look); });
  });
}

void event_poll::on_found(const result<std::vector<store::event>>& found, bool ended, bool last_look) {
  if (over_) return;
  if (!found.ok()) return end(refusal_of(found.problem()));
  if (!found->empty() || ended || last_look) return end(json_answer(events_to_json(*found, what_.after, ended)));
  wait();
}

void event_poll::wait() {
  busy_ = false;
  if (woken_) return look();
  // Looking once a second also finds events that another process wrote to the same Store.
  timer_.expires_at(std::min(deadline_, std::chrono::steady_clock::now() + std::chrono::seconds(1)));
  timer_.async_wait([self = shared_from_this()](boost::beast::error_code cancelled) {
    if (!cancelled && !self->over_ && !self->busy_) self->look();
  });
}

void event_poll::end(const api_response& with) {
  over_ = true;
  subscription_.reset();
  timer_.cancel();
  client_->answer_late(with);
  client_.reset();
}

}  // namespace sluice::cluster
