#pragma once

#include "cluster/data_shared.hpp"
#include "cluster/tls/network_stream.hpp"

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

namespace sluice::cluster {

/// Connects with a peer's data port and proves itself; nothing is sent to whoever listens there before both sides have
/// proven that they belong together. Everything happens on the network's thread, also the call of `then`.
class data_dial : public std::enable_shared_from_this<data_dial> {
 public:
  /// Gets the connection, or why there is none.
  using outcome = std::function<void(const std::string& why_not, network_stream proven)>;

  data_dial(data_shared& shared, std::string peer, outcome then);
  void start(const address& where);

 private:
  void prove();
  void end(const std::string& why_not);

  data_shared& shared_;
  std::string peer_;
  outcome then_;
  network_stream connection_;
  boost::asio::steady_timer timer_;
};

}  // namespace sluice::cluster
