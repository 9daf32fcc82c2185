#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/http/admission.hpp"
#include "cluster/http/api.hpp"
#include "cluster/http/event_tail.hpp"
#include "cluster/proof/newcomers.hpp"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace sluice::cluster {

class http_connection;

/// What the connections of a server share. Handlers that wait in `network` and `blocking` own the connections, so
/// connections only refer to it, and the two are destroyed first.
struct http_shared : std::enable_shared_from_this<http_shared> {
  static constexpr std::int64_t most_answered = 64;
  static constexpr std::int64_t most_planned = 2;
  static constexpr std::int64_t most_body_bytes = std::int64_t{64} << 20;
  static constexpr std::size_t most_waiting = 4096;
  static constexpr int most_streams = 1024;

  http_shared(api_handlers handlers, std::string token, std::size_t most_newcomers)
      : answers(std::move(handlers), std::move(token)), unknown(most_newcomers) {}

  api answers;
  std::atomic<int> streams = 0;
  std::atomic<int> unanswered = 0;  ///< connections whose client waits for an answer, or has not asked yet
  std::atomic<bool> draining = false;
  /// Counts submissions that are being read and planned, each in a thread that is left behind at the end.
  std::shared_ptr<std::atomic<int>> planning = std::make_shared<std::atomic<int>>(0);

  // Of the network thread.
  newcomers<http_connection> unknown;  ///< connections that have shown no token

  boost::asio::io_context network{1};
  /// A server that takes no more connections still sends the answers that its handlers are working on.
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> at_work{network.get_executor()};
  /// Where blocking calls of the handlers run; the network thread never waits.
  boost::asio::thread_pool blocking{2};
  /// For requests that need no Store: they are answered while a disk holds up all of `blocking`.
  boost::asio::thread_pool quick{1};

  event_tail tail{*this};  ///< of the network thread

  // Of the network thread. Connections wait in them, and go before the network does.
  admission turns{most_answered, most_waiting};     ///< requests that are answered at once
  admission plans{most_planned, most_waiting};      ///< the same, submissions: they take no turn of others
  admission bodies{most_body_bytes, most_waiting};  ///< bytes of bodies in memory
  /// Connections that wait for a submission to be planned.
  std::map<std::uint64_t, std::shared_ptr<http_connection>> planned;
  std::uint64_t last_planned = 0;
};

}  // namespace sluice::cluster
