#pragma once

#include <utility>
// Boost's Asio 1.74 uses std::exchange without including it.
#include "cluster/http/shared.hpp"
#include "cluster/tls/network_stream.hpp"

#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>
#include <string>

namespace sluice::cluster {

/// One client: requests one after another, or one stream of events. Lives as long as something is under way. Headers
/// are read first, then the token is looked at, and only then a body: until then it is a newcomer that may have to make
/// room for another, with 16 KiB and ten seconds.
class http_connection : public std::enable_shared_from_this<http_connection> {
 public:
  http_connection(network_stream connection, http_shared& shared);
  ~http_connection();
  http_connection(const http_connection&) = delete;
  http_connection& operator=(const http_connection&) = delete;

  void start();
  /// Ends it: there are too many who have shown no token.
  void evict();
  /// Answers a request that has waited; on the network's thread.
  void answer_late(const api_response& answer) { write(answer, keep_alive_); }

 private:
  using request_parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using response = boost::beast::http::response<boost::beast::http::string_body>;

  void begin_request(std::chrono::seconds limit);
  void read_header();
  void unreadable(boost::beast::error_code problem);
  void on_header();
  [[nodiscard]] std::size_t field_count() const;
  void be_newcomer();
  void be_known();
  /// Waits for room for the body, reads it, and waits for its turn to be answered.
  void take_body();
  void go_on_with_body();
  void read_body();
  void on_body(boost::beast::error_code problem, std::size_t bytes);
  void take_turn();
  void answer();
  void answer_from_store(api_request request);
  /// Reads and plans in a thread of its own, which the server does not wait for.
  void answer_submission();
  /// From any thread.
  void deliver(api_response answer);
  void refuse(const api_response& answer);
  void write(api_response answer, bool keep_alive);
  void linger();

  /// Whether the client is owed an answer: a server that ends gives it first.
  void owe(bool answer);
  /// Gives back its place, its turn and its room: nothing more of this request is under way.
  void let_go();
  /// Requests that change something, or that are forbidden, are noted with their answer.
  void begin_audit();
  void end_audit(const api_response& answer);

  network_stream stream_;
  http_shared& shared_;
  boost::beast::flat_buffer buffer_;
  std::optional<request_parser> parser_;
  std::optional<response> response_;
  api_request request_;
  std::array<char, 4096> unread_{};
  std::uint64_t ticket_ = 0;    ///< as a newcomer; 0: it is none
  std::int64_t body_room_ = 0;  ///< held
  admission* turn_ = nullptr;   ///< where it holds one
  std::size_t body_bytes_ = 0;  ///< read for the body, chunk headers included
  std::size_t header_fields_ = 0;
  std::size_t lingered_ = 0;
  std::optional<audit_entry> audited_;  ///< of the request; its status is not known yet
  bool head_only_ = false;
  bool keep_alive_ = false;
  bool owes_ = false;
};

}  // namespace sluice::cluster
