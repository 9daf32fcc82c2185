#include "cluster/http/connection.hpp"

#include <boost/asio/post.hpp>

namespace sluice::cluster {

namespace http = boost::beast::http;

namespace {

constexpr auto request_limit = std::chrono::seconds(30);
constexpr std::uint32_t header_limit = 16 * 1024;
constexpr std::uint64_t body_limit = 16 * 1024 * 1024;

std::string text_of(boost::beast::string_view from) { return {from.data(), from.size()}; }

/// The answer to a request that can't be read; none where the client has gone.
std::optional<api_response> refusal(boost::beast::error_code problem) {
  if (problem == http::error::header_limit)
    return api::refuse(431, user_error("headers_too_large", "a request's headers may have 16 KiB"));
  if (problem == http::error::body_limit)
    return api::refuse(413, user_error("body_too_large", "a request's body may have 16 MiB"));
  if (problem.category() == http::make_error_code(http::error::end_of_stream).category() &&
      problem != http::error::end_of_stream && problem != http::error::partial_message)
    return api::refuse(400, user_error("malformed_request", "this is no HTTP request: " + problem.message()));
  return {};
}

}  // namespace

http_connection::http_connection(boost::asio::ip::tcp::socket socket, http_shared& shared)
    : stream_(std::move(socket)), shared_(shared) {
  ++shared_.connections;
  owe(true);
}

http_connection::~http_connection() {
  owe(false);
  --shared_.connections;
}

void http_connection::owe(bool answer) {
  if (answer == owes_) return;
  owes_ = answer;
  shared_.unanswered += answer ? 1 : -1;
}

void http_connection::read() {
  parser_.emplace();
  parser_->header_limit(header_limit);
  parser_->body_limit(body_limit);
  stream_.expires_after(request_limit);
  http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](boost::beast::error_code problem, std::size_t) { self->on_request(problem); });
}

void http_connection::on_request(boost::beast::error_code problem) {
  if (problem) {
    if (auto refused = refusal(problem)) write(std::move(*refused), false, false);
    return;
  }
  owe(true);
  const auto& message = parser_->get();
  api_request request;
  request.method = text_of(message.method_string());
  const bool head = message.method() == http::verb::head;
  if (!parse_target({message.target().data(), message.target().size()}, request))
    return write(api::refuse(400, user_error("malformed_request", "the request's target can't be decoded")), head,
                 false);
  request.authorization = text_of(message[http::field::authorization]);
  request.accept = text_of(message[http::field::accept]);
  request.last_event_id = text_of(message["Last-Event-ID"]);
  const bool keep_alive = message.keep_alive() && !shared_.draining;
  request.body = std::move(parser_->get().body());
  answer(std::move(request), head, keep_alive);
}

void http_connection::answer(api_request request, bool head_only, bool keep_alive) {
  stream_.expires_never();
  boost::asio::post(shared_.quick,
                    [self = shared_from_this(), request = std::move(request), head_only, keep_alive]() mutable {
                      if (auto answered = self->shared_.answers.answer_without_store(request))
                        return self->deliver(std::move(*answered), head_only, keep_alive);
                      self->answer_from_store(std::move(request), head_only, keep_alive);
                    });
}

void http_connection::deliver(api_response answered, bool head_only, bool keep_alive) {
  boost::asio::post(shared_.network,
                    [self = shared_from_this(), answered = std::move(answered), head_only, keep_alive]() mutable {
                      self->write(std::move(answered), head_only, keep_alive);
                    });
}

void http_connection::answer_from_store(api_request request, bool head_only, bool keep_alive) {
  boost::asio::post(shared_.blocking, [self = shared_from_this(), request = std::move(request), head_only, keep_alive] {
    auto& shared = self->shared_;
    if (api::is_stream(request)) {
      auto what = shared.answers.stream(request);
      boost::asio::post(shared.network, [self, what = std::move(what)]() mutable {
        if (!what.ok()) {
          const auto& why = what.problem();
          const int status = why.code == "unauthorized" ? 401 : why.code == "run_not_found" ? 404 : 400;
          return self->write(api::refuse(status, why), false, false);
        }
        std::make_shared<event_stream>(std::move(self->stream_), self->shared_, std::move(what).value())->start();
      });
      return;
    }
    self->deliver(shared.answers.answer(request), head_only, keep_alive);
  });
}

void http_connection::write(api_response answered, bool head_only, bool keep_alive) {
  response_.emplace(static_cast<http::status>(answered.status), 11);
  response_->set(http::field::server, "sluice");
  response_->set(http::field::content_type, answered.content_type);
  response_->set(http::field::cache_control, "no-store");
  if (answered.status == 401) response_->set(http::field::www_authenticate, "Bearer");
  response_->keep_alive(keep_alive);
  response_->body() = std::move(answered.body);
  response_->prepare_payload();
  if (head_only) response_->body().clear();
  stream_.expires_after(request_limit);
  http::async_write(stream_, *response_,
                    [self = shared_from_this(), keep_alive](boost::beast::error_code problem, std::size_t) {
                      if (problem) return;
                      self->owe(false);
                      if (keep_alive) return self->read();
                      boost::beast::error_code ignored;
                      self->stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
                    });
}

}  // namespace sluice::cluster
