#include "cluster/http/event_stream.hpp"

#include "engine/secrets/mask.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace sluice::cluster {

namespace {

constexpr auto slow_reader_limit = std::chrono::seconds(60);
constexpr int keep_alive_seconds = 10;

}  // namespace

event_stream::event_stream(network_stream connection, http_shared& shared, stream_request what)
    : stream_(std::move(connection)), shared_(shared), what_(std::move(what)), timer_(shared_.network) {
  ++shared_.streams;
}

event_stream::~event_stream() { --shared_.streams; }

void event_stream::start() {
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
  watch_for_close();
  send(std::string("HTTP/1.1 200 OK\r\nServer: sluice\r\nContent-Type: ") +
           (what_.server_sent ? "text/event-stream" : "application/x-ndjson") +
           "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
       false);
}

void event_stream::fetch() {
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

void event_stream::on_fetched(const result<std::vector<store::event>>& found, bool ended, bool last_look) {
  if (over_) return;
  if (!found.ok()) return end();
  std::string text;
  for (const auto& event : *found) {
    text += stream_text(event, what_.server_sent);
    what_.after = event.cursor;
  }
  const bool last = ended || (found->empty() && last_look);
  if (!text.empty()) {
    quiet_seconds_ = 0;
    // What comes now may be only the first of many.
    if (!last) woken_ = true;
    return send(std::move(text), last);
  }
  if (last) return end();
  if (++quiet_seconds_ >= keep_alive_seconds && what_.server_sent) {
    quiet_seconds_ = 0;
    return send(": keep-alive\n\n", false);
  }
  wait();
}

void event_stream::send(std::string text, bool then_end) {
  busy_ = true;
  out_ = secrets::mask(std::move(text));
  boost::asio::async_write(stream_, boost::asio::buffer(out_),
                           [self = shared_from_this(), then_end](boost::beast::error_code problem, std::size_t) {
                             if (problem || then_end) return self->end();
                             self->timer_.cancel();
                             self->fetch();
                           });
  timer_.expires_after(slow_reader_limit);
  timer_.async_wait([weak = weak_from_this()](boost::beast::error_code cancelled) {
    if (const auto self = weak.lock(); self && !cancelled) self->end();
  });
}

void event_stream::wait() {
  busy_ = false;
  if (woken_) return fetch();
  // Looking once a second also finds events that another process wrote to the same Store.
  timer_.expires_after(std::chrono::seconds(1));
  timer_.async_wait([self = shared_from_this()](boost::beast::error_code cancelled) {
    if (!cancelled && !self->over_ && !self->busy_) self->fetch();
  });
}

void event_stream::watch_for_close() {
  stream_.async_read_some(boost::asio::buffer(&unread_, 1),
                          [weak = weak_from_this()](boost::beast::error_code problem, std::size_t) {
                            const auto self = weak.lock();
                            if (!self || self->over_) return;
                            if (!problem) return self->watch_for_close();
                            if (problem != boost::asio::error::eof) return self->end();
                            // A reader that says no more wants what there is, and then no more either.
                            self->what_.follow = false;
                            self->woken_ = true;
                            if (!self->busy_) self->fetch();
                          });
}

void event_stream::end() {
  if (over_) return;
  over_ = true;
  subscription_.reset();
  timer_.cancel();
  stream_.end();
}

}  // namespace sluice::cluster
