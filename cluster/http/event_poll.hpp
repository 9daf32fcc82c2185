#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/http/connection.hpp"

#include <chrono>
#include <memory>

namespace sluice::cluster {

/// A request for events that waits until there are some, or its time is over. Like a stream it holds no thread and no
/// turn while it waits; unlike one it ends with an answer, and the connection goes on.
class event_poll : public std::enable_shared_from_this<event_poll> {
 public:
  event_poll(std::shared_ptr<http_connection> client, http_shared& shared, stream_request what);
  ~event_poll();
  event_poll(const event_poll&) = delete;
  event_poll& operator=(const event_poll&) = delete;

  void start();

 private:
  void look();
  void on_found(const result<std::vector<store::event>>& found, bool ended, bool last_look);
  void wait();
  void end(const api_response& with);

  std::shared_ptr<http_connection> client_;
  http_shared& shared_;
  stream_request what_;
  boost::asio::steady_timer timer_;
  std::chrono::steady_clock::time_point deadline_;
  std::shared_ptr<void> subscription_;
  bool busy_ = false;   ///< looking
  bool woken_ = false;  ///< while busy
  bool over_ = false;
};

}  // namespace sluice::cluster
