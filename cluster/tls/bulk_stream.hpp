#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/tls/network_stream.hpp"

#include <sys/uio.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace sluice::cluster {

/// A connection whose proof is over, for much data: takes and gives what the system takes and has at this moment,
/// whole buffers at once, and says when there is more. It goes on where a network_stream ends, with the same TLS.
/// Everything happens on its strand.
class bulk_stream {
 public:
  using strand = boost::asio::strand<boost::asio::io_context::executor_type>;
  /// What an attempt came to. `problem` is set where the connection has ended, also where the other side ended it.
  struct outcome {
    std::size_t bytes = 0;
    bool full = false;  ///< it took less than there was, or had less than was asked for
    std::string problem;
  };

  /// `proven`: nothing is under way on it, and nothing was read beyond its last message.
  bulk_stream(network_stream proven, strand on);
  ~bulk_stream();
  bulk_stream(const bulk_stream&) = delete;
  bulk_stream& operator=(const bulk_stream&) = delete;

  outcome read(std::span<char> into);
  /// Not full: all was taken, but an encrypted stream may keep some, which the next `write` sends first. After a full
  /// one the next has to begin with the same bytes.
  outcome write(std::span<const iovec> from);

  template <class Handler>
  void when_readable(Handler&& then) {
    socket_.async_wait(boost::asio::ip::tcp::socket::wait_read, std::forward<Handler>(then));
  }
  template <class Handler>
  void when_writable(Handler&& then) {
    socket_.async_wait(boost::asio::ip::tcp::socket::wait_write, std::forward<Handler>(then));
  }
  /// It is full where so much is not yet on its way, however much the system would take.
  void limit_unsent(int bytes);
  void close();

 private:
  class encryption;

  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<encryption> tls_;
};

}  // namespace sluice::cluster
