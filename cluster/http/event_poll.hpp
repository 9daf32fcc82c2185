#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/http/connection.hpp"
#include "cluster/http/event_watch.hpp"

#include <chrono>
#include <memory>

namespace sluice::cluster {

/// A request for events that waits until there are some, or its time is over. Like a stream it holds no thread and no
/// turn while it waits; unlike one it ends with an answer, and the connection goes on.
class event_poll final : public event_watch {
 public:
  event_poll(std::shared_ptr<http_connection> client, http_shared& shared, stream_request what);

  void start();

 private:
  void found(const result<streamed_events>& events, bool ended, bool last_look) override;
  [[nodiscard]] bool is_last_look() const override {
    return draining() || std::chrono::steady_clock::now() >= deadline_;
  }
  void end(const api_response& with);

  std::shared_ptr<http_connection> client_;
  std::chrono::steady_clock::time_point deadline_;
};

}  // namespace sluice::cluster
