#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/http/shared.hpp"
#include "cluster/tls/network_stream.hpp"

#include <memory>
#include <string>

namespace sluice::cluster {

/// A subscriber behind a connection: catches up from the Store by cursor, then waits to be woken. At most 256 events
/// are in memory, however slow its reader is; one that takes nothing for a minute is dropped.
class event_stream : public std::enable_shared_from_this<event_stream> {
 public:
  event_stream(network_stream connection, http_shared& shared, stream_request what);
  ~event_stream();
  event_stream(const event_stream&) = delete;
  event_stream& operator=(const event_stream&) = delete;

  void start();

 private:
  void fetch();
  void on_fetched(const result<std::vector<store::event>>& found, bool ended, bool last_look);
  void send(std::string text, bool then_end);
  void wait();
  void watch_for_close();
  void end();

  static constexpr int events_at_once = 256;

  network_stream stream_;
  http_shared& shared_;
  stream_request what_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<void> subscription_;
  std::string out_;
  char unread_ = 0;
  int quiet_seconds_ = 0;
  bool busy_ = true;    ///< fetching or sending
  bool woken_ = false;  ///< while busy
  bool over_ = false;
};

}  // namespace sluice::cluster
