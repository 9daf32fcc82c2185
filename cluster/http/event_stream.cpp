#include "cluster/http/event_stream.hpp"

#include <boost/asio/write.hpp>

namespace sluice::cluster {

void event_stream::open() {
  watch_for_close();
  send(std::string("HTTP/1.1 200 OK\r\nServer: sluice\r\nContent-Type: ") +
           (what().server_sent ? "text/event-stream" : "application/x-ndjson") +
           "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
       false);
  limit_time();
}

void event_stream::give(const streamed_events& events, bool last) {
  std::string text;
  for (const auto& one : events) text += one->text(what().server_sent);
  send(std::move(text), last);
}

void event_stream::keep_alive() {
  if (what().server_sent) return send(": keep-alive\n\n", false);
  // Lines of JSON have no comments.
  boost::asio::post(stream_.get_executor(), [self = self_as<event_stream>()] { self->sent(false); });
}

void event_stream::send(std::string text, bool then_end) {
  out_ = std::move(text);
  boost::asio::async_write(stream_, boost::asio::buffer(out_),
                           [self = self_as<event_stream>(), then_end](boost::beast::error_code problem, std::size_t) {
                             if (problem) return self->end();
                             self->sent(then_end);
                           });
}

void event_stream::watch_for_close() {
  stream_.async_read_some(boost::asio::buffer(&unread_, 1),
                          [weak = weak_from_this()](boost::beast::error_code problem, std::size_t) {
                            const auto self = std::static_pointer_cast<event_stream>(weak.lock());
                            if (!self || self->over()) return;
                            if (!problem) return self->watch_for_close();
                            if (problem != boost::asio::error::eof) return self->end();
                            // A reader that says no more wants what there is, and then no more either.
                            self->finish();
                          });
}

}  // namespace sluice::cluster
