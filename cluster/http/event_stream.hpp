#pragma once

#include "cluster/http/event_follower.hpp"
#include "cluster/tls/network_stream.hpp"

#include <string>

namespace sluice::cluster {

/// Events as the body of an answer: server-sent, or one JSON object a line.
class event_stream final : public event_follower {
 public:
  event_stream(network_stream connection, http_shared& shared, stream_request what)
      : event_follower(shared, std::move(what)), stream_(std::move(connection)) {}

 private:
  void open() override;
  void give(const streamed_events& events, bool last) override;
  void keep_alive() override;
  void close() override { stream_.end(); }

  void send(std::string text, bool then_end);
  void watch_for_close();

  network_stream stream_;
  std::string out_;
  char unread_ = 0;
};

}  // namespace sluice::cluster
