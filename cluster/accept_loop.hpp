#pragma once

#include "cluster/listen.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

namespace sluice::cluster {

/// Takes in the connections of a port, on the thread of its network, until it is closed. All that wait are taken at
/// once: under a flood one that matters would else wait for a turn of the loop for each connection before it.
class accept_loop {
 public:
  struct callbacks {
    std::function<void(boost::asio::ip::tcp::socket)> taken;
    std::function<void()> out_of_descriptors;  ///< one is to be let go; the next attempt comes in a moment
  };
  accept_loop(boost::asio::io_context& network, callbacks calls);
  accept_loop(const accept_loop&) = delete;
  accept_loop& operator=(const accept_loop&) = delete;

  /// Binds and listens, as listen_on; nothing is taken before `start`.
  result<address> listen(const address& where, std::string_view flag);
  void start() { accept(); }
  void close();

 private:
  void accept();
  void accept_waiting();

  boost::asio::io_context& network_;
  callbacks calls_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
};

}  // namespace sluice::cluster
