#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/control/filter.hpp"
#include "cluster/tls/network_stream.hpp"

#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

namespace sluice::cluster {

/// Passes bytes between a proven connection and CAF's end of a pair of sockets, filtered in both directions. It holds
/// at most 64 KiB each way, so that a slow side holds up the other. When one direction has ended, the other has 5 s.
class relay : public std::enable_shared_from_this<relay> {
 public:
  struct callbacks {
    /// The first message of the peer has passed.
    std::function<void()> begun;
    /// One line for the log: something was dropped, or the connection ends for this reason.
    std::function<void(const std::string& text)> log;
    /// Nothing passes any more. Called once.
    std::function<void()> ended;
  };

  /// `peer` is the one whose bytes come from the network.
  relay(network_stream network, boost::asio::local::stream_protocol::socket inside, control_filter::sender peer,
        callbacks tell);

  void start();
  void stop();

 private:
  struct direction {
    control_filter filter;
    std::array<char, 64 * 1024> read{};
    std::string write;
    bool over = false;
  };

  template <class From, class To>
  void pump(direction& way, From& from, To& to);
  void tell_dropped(direction& way);
  void tell_begun();
  void over(direction& way);

  network_stream network_;
  boost::asio::local::stream_protocol::socket inside_;
  boost::asio::steady_timer timer_;
  direction in_;
  direction out_;
  callbacks tell_;
  bool begun_ = false;
};

}  // namespace sluice::cluster
