#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/http/api.hpp"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>
#include <string>

namespace sluice::cluster {

/// What the connections of a server share. Handlers that wait in `network` and `blocking` own the connections, so
/// connections only refer to it, and the two are destroyed first.
struct http_shared : std::enable_shared_from_this<http_shared> {
  http_shared(api_handlers handlers, std::string token) : answers(std::move(handlers), std::move(token)) {}

  api answers;
  std::atomic<int> connections = 0;
  std::atomic<int> streams = 0;
  std::atomic<int> unanswered = 0;  ///< connections whose client waits for an answer, or has not asked yet
  std::atomic<bool> draining = false;
  boost::asio::io_context network{1};
  /// A server that takes no more connections still sends the answers that its handlers are working on.
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> at_work{network.get_executor()};
  /// Where blocking calls of the handlers run; the network thread never waits.
  boost::asio::thread_pool blocking{2};
  /// For requests that need no Store: they are answered while a disk holds up all of `blocking`.
  boost::asio::thread_pool quick{1};
};

/// One client: requests one after another, or one stream of events. Lives as long as something is under way.
class http_connection : public std::enable_shared_from_this<http_connection> {
 public:
  http_connection(boost::asio::ip::tcp::socket socket, http_shared& shared);
  ~http_connection();
  http_connection(const http_connection&) = delete;
  http_connection& operator=(const http_connection&) = delete;

  void read();

 private:
  using request_parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using response = boost::beast::http::response<boost::beast::http::string_body>;

  /// Whether the client is owed an answer: a server that ends gives it first.
  void owe(bool answer);
  void on_request(boost::beast::error_code problem);
  void answer(api_request request, bool head_only, bool keep_alive);
  void answer_from_store(api_request request, bool head_only, bool keep_alive);
  /// From any thread.
  void deliver(api_response answer, bool head_only, bool keep_alive);
  void write(api_response answer, bool head_only, bool keep_alive);

  boost::beast::tcp_stream stream_;
  http_shared& shared_;
  boost::beast::flat_buffer buffer_;
  std::optional<request_parser> parser_;
  std::optional<response> response_;
  bool owes_ = false;
};

/// A subscriber behind a connection: catches up from the Store by cursor, then waits to be woken. At most 256 events
/// are in memory, however slow its reader is; one that takes nothing for a minute is dropped.
class event_stream : public std::enable_shared_from_this<event_stream> {
 public:
  event_stream(boost::beast::tcp_stream socket, http_shared& shared, stream_request what);
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

  boost::beast::tcp_stream stream_;
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
