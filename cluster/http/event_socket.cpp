#include "cluster/http/event_socket.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <algorithm>
#include <deque>

namespace sluice::cluster {

// What Beast asks of the stream below a WebSocket, found by the type of their argument.

void beast_close_socket(network_stream& of) { of.close(); }

template <class Handler>
void async_teardown(boost::beast::role_type, network_stream& of, Handler&& handler) {
  of.end();
  boost::asio::post(of.get_executor(),
                    boost::beast::bind_front_handler(std::forward<Handler>(handler), boost::beast::error_code()));
}

namespace {

namespace websocket = boost::beast::websocket;
namespace http = boost::beast::http;

constexpr const char* subprotocol = "cloudevents.json";
constexpr std::size_t most_from_client = 4096;

/// The words of a header's list, in lower case.
std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : list + ",") {
    if (c == ',') {
      if (!word.empty()) words.push_back(std::exchange(word, {}));
    } else if (c != ' ' && c != '\t') {
      word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return words;
}

bool has_word(const std::string& list, const std::string& word) {
  const auto words = words_of(list);
  return std::find(words.begin(), words.end(), word) != words.end();
}

class event_socket final : public event_follower {
 public:
  event_socket(network_stream connection, http_shared& shared, stream_request what, const api_request& request)
      : event_follower(shared, std::move(what)), socket_(std::move(connection)) {
    request_.method(http::verb::get);
    request_.target("/");
    request_.version(11);
    for (const auto& [name, value] : request.headers) request_.set(name, value);
    speaks_ = has_word(request.header("sec-websocket-protocol"), subprotocol);
  }

 private:
  void open() override {
    socket_.read_message_max(most_from_client);
    auto how = websocket::stream_base::timeout::suggested(boost::beast::role_type::server);
    // For both handshakes; a client that does not answer the last one must not hold up a node that ends.
    how.handshake_timeout = std::chrono::seconds(2);
    // A client that is gone without a word is found by its missing answer to a ping.
    how.idle_timeout = std::chrono::seconds(60);
    how.keep_alive_pings = true;
    socket_.set_option(how);
    socket_.set_option(websocket::stream_base::decorator([speaks = speaks_](websocket::response_type& answer) {
      answer.set(http::field::server, "sluice");
      if (speaks) answer.set(http::field::sec_websocket_protocol, subprotocol);
    }));
    socket_.text(true);
    socket_.async_accept(request_, [self = self_as<event_socket>()](boost::beast::error_code problem) {
      if (problem) return self->end();
      self->is_open_ = true;
      self->read();
      self->sent(false);
    });
    limit_time();
  }

  void give(const streamed_events& events, bool last) override {
    for (const auto& one : events) out_.push_back(one);
    write_next(last);
  }

  void write_next(bool last) {
    if (out_.empty()) return sent(last);
    const auto& line = out_.front()->text(false);
    socket_.async_write(boost::asio::buffer(line.data(), line.size() - 1),  // without its end
                        [self = self_as<event_socket>(), last](boost::beast::error_code problem, std::size_t) {
                          if (problem) return self->end();
                          self->out_.pop_front();
                          self->write_next(last);
                        });
  }

  /// Beast sends pings by itself.
  void keep_alive() override {
    boost::asio::post(socket_.get_executor(), [self = self_as<event_socket>()] { self->sent(false); });
  }

  /// Reading is what answers pings, and notices that the client closes.
  void read() {
    socket_.async_read(unread_, [self = self_as<event_socket>()](boost::beast::error_code problem, std::size_t) {
      if (problem) {
        self->is_open_ = false;
        return self->end();
      }
      self->unread_.clear();
      self->read();
    });
  }

  void close() override {
    if (!is_open_) return socket_.next_layer().close();
    socket_.async_close(websocket::close_code::normal, [self = self_as<event_socket>()](boost::beast::error_code) {});
  }

  websocket::stream<network_stream> socket_;
  http::request<http::empty_body> request_;
  bool speaks_ = false;
  bool is_open_ = false;
  std::deque<std::shared_ptr<const streamed_event>> out_;
  boost::beast::flat_buffer unread_;
};

}  // namespace

bool wants_socket(const api_request& request) { return has_word(request.header("upgrade"), "websocket"); }

std::optional<error> refusal_of_socket(const api_request& request) {
  if (!has_word(request.header("connection"), "upgrade") || request.header("sec-websocket-key").empty())
    return user_error("malformed_request", "the request asks for WebSocket without Connection: Upgrade and a key",
                      "use a WebSocket library, or leave out the header Upgrade for server-sent events");
  if (request.header("sec-websocket-version") != "13")
    return user_error("malformed_request", "only version 13 of WebSocket is spoken", "Sec-WebSocket-Version: 13");
  const auto& wanted = request.header("sec-websocket-protocol");
  if (wanted.find(token_subprotocol) != std::string::npos && !has_word(wanted, subprotocol))
    return user_error("malformed_request",
                      "a subprotocol with the token needs another one beside it, to be answered with",
                      "new WebSocket(url, ['cloudevents.json', 'sluice.bearer.TOKEN'])");
  if (request.query.count("wait") > 0)
    return user_error("invalid_query", "wait asks for one answer, which WebSocket is not",
                      "leave out wait, or the upgrade");
  return {};
}

std::shared_ptr<event_follower> make_event_socket(network_stream connection, http_shared& shared, stream_request what,
                                                  const api_request& request) {
  return std::make_shared<event_socket>(std::move(connection), shared, std::move(what), request);
}

}  // namespace sluice::cluster
