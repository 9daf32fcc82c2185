#include "cluster/http/connection.hpp"

#include "cluster/http/event_poll.hpp"
#include "cluster/http/event_socket.hpp"
#include "cluster/http/event_stream.hpp"
#include "cluster/http/page.hpp"
#include "cluster/http/route.hpp"
#include "cluster/proof/handshake.hpp"
#include "engine/secrets/mask.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <system_error>
#include <thread>

namespace sluice::cluster {

namespace http = boost::beast::http;

namespace {

constexpr auto header_time = std::chrono::seconds(10);
/// Between two requests.
constexpr auto idle_time = std::chrono::seconds(30);
constexpr auto body_time = std::chrono::seconds(30);
constexpr auto write_time = std::chrono::seconds(30);
constexpr auto linger_time = std::chrono::seconds(2);
constexpr std::uint32_t header_limit = 16 * 1024;
constexpr std::uint64_t body_limit = 16 * 1024 * 1024;
/// What is read ahead: the headers, or the header of a chunk with its extensions.
constexpr std::size_t buffer_limit = header_limit + 4 * 1024;
/// A field takes more memory than its bytes.
constexpr std::size_t most_header_fields = 100;
/// What the headers of chunks may add to a body.
constexpr std::size_t chunk_headers_limit = 1024 * 1024;

std::string text_of(boost::beast::string_view from) { return {from.data(), from.size()}; }

/// The answer to a request that can't be read; none where the client has gone.
std::optional<api_response> refusal(boost::beast::error_code problem) {
  if (problem == http::error::header_limit)
    return api::refuse(431, user_error("headers_too_large", "the headers of a request can't be larger than 16 KiB"));
  if (problem == http::error::body_limit)
    return api::refuse(413, user_error("body_too_large", "the body of a request can't be larger than 16 MiB"));
  if (problem == http::error::buffer_overflow)
    return api::refuse(400, user_error("malformed_request", "the header of a chunk can't be larger than 16 KiB"));
  if (problem.category() == http::make_error_code(http::error::end_of_stream).category() &&
      problem != http::error::end_of_stream && problem != http::error::partial_message)
    return api::refuse(400, user_error("malformed_request", "not an HTTP request: " + problem.message()));
  return {};
}

api_response busy(const std::string& what) {
  return api::refuse(503, external_error("server_busy", what, "try again", true));
}

}  // namespace

http_connection::http_connection(network_stream connection, http_shared& shared)
    : stream_(std::move(connection)), shared_(shared), buffer_(buffer_limit) {
  owe(true);
}

// On the network's thread it is through with everything before; otherwise the server is ending.
http_connection::~http_connection() { owe(false); }

void http_connection::let_go() {
  be_known();
  owe(false);
  if (const auto room = std::exchange(body_room_, 0); room > 0) shared_.bodies.leave(room);
  if (auto* const turn = std::exchange(turn_, nullptr)) turn->leave(1);
}

void http_connection::owe(bool answer) {
  if (answer == owes_) return;
  owes_ = answer;
  shared_.unanswered += answer ? 1 : -1;
}

void http_connection::be_newcomer() {
  if (ticket_ == 0) ticket_ = shared_.unknown.add(shared_from_this());
}

void http_connection::be_known() {
  if (const auto ticket = std::exchange(ticket_, 0); ticket != 0) shared_.unknown.remove(ticket);
}

void http_connection::evict() {
  ticket_ = 0;
  boost::beast::error_code ignored;
  stream_.socket().close(ignored);
}

// -- headers

void http_connection::start() {
  be_newcomer();
  stream_.expires_after(header_time);
  stream_.handshake(network_stream::side::server, [self = shared_from_this()](boost::system::error_code problem) {
    if (problem) return self->let_go();
    self->begin_request(header_time);
  });
}

void http_connection::begin_request(std::chrono::seconds limit) {
  be_newcomer();
  head_only_ = false;
  parser_.emplace();
  parser_->header_limit(header_limit);
  parser_->body_limit(body_limit);
  stream_.expires_after(limit);
  read_header();
}

void http_connection::read_header() {
  http::async_read_some(
      stream_, buffer_, *parser_, [self = shared_from_this()](boost::beast::error_code problem, std::size_t) {
        if (problem) return self->unreadable(problem);
        if (self->field_count() > most_header_fields)
          return self->refuse(
              api::refuse(431, user_error("headers_too_large", "a request can have at most 100 headers")));
        if (self->parser_->is_header_done()) return self->on_header();
        self->read_header();
      });
}

std::size_t http_connection::field_count() const {
  const auto& fields = parser_->get();
  return static_cast<std::size_t>(std::distance(fields.begin(), fields.end()));
}

void http_connection::unreadable(boost::beast::error_code problem) {
  if (const auto refused = refusal(problem)) return refuse(*refused);
  let_go();
}

void http_connection::on_header() {
  owe(true);
  const auto& message = parser_->get();
  head_only_ = message.method() == http::verb::head;
  request_ = {};
  audited_.reset();
  request_.method = text_of(message.method_string());
  if (!parse_target({message.target().data(), message.target().size()}, request_))
    return refuse(api::refuse(400, user_error("malformed_request", "the request's target can't be decoded")));
  for (const auto& field : message) {
    auto name = text_of(field.name_string());
    for (auto& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    request_.headers.emplace(std::move(name), text_of(field.value()));
  }
  keep_alive_ = message.keep_alive();
  // Health checks wait for nobody: they take no turn, and this thread has their answer.
  if (auto quick = shared_.answers.at_once(request_))
    return write(std::move(*quick), keep_alive_ && parser_->is_done());
  // A page of another site can lead a browser here by a name of its own, unless this node has to show a certificate.
  if (auto refused = stream_.encrypted() ? std::nullopt : misdirected(request_))
    return write(std::move(*refused), keep_alive_ && parser_->is_done());
  if (auto page = page_answer(request_)) return write(std::move(*page), keep_alive_ && parser_->is_done());
  if (auto refused = shared_.answers.unauthorized(request_)) {
    if (refused->status == 403) begin_audit();
    return write(std::move(*refused), keep_alive_ && parser_->is_done());
  }
  if (request_.method != "GET" && request_.method != "HEAD") begin_audit();
  be_known();
  if (parser_->is_done()) return take_turn();
  take_body();
}

void http_connection::begin_audit() {
  if (!shared_.answers.handlers().audit) return;
  const auto who = shared_.answers.caller_of(request_);
  if (!who) return;
  auto& made = audited_.emplace();
  made.time = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
                  .count();
  made.who = who->name;
  made.role = to_string(who->role);
  made.from = peer_address(stream_.socket());
  made.method = request_.method;
  for (const auto& segment : request_.path) made.path += "/" + segment;
}

void http_connection::end_audit(const api_response& answer) {
  if (!audited_) return;
  auto made = *std::exchange(audited_, std::nullopt);
  made.status = answer.status;
  if (made.path == "/v1/runs" && answer.status < 300) {
    const auto json = options::try_parse(answer.body);
    if (json && json->is_object()) made.run = json->value("run", "");
  }
  shared_.answers.handlers().audit(made);
}

// -- a body

void http_connection::take_body() {
  const auto length = parser_->content_length();
  const auto room = static_cast<std::int64_t>(length ? *length : body_limit);
  stream_.expires_never();
  const bool waits = shared_.bodies.enter(room, [self = shared_from_this(), room] {
    self->body_room_ = room;
    self->go_on_with_body();
  });
  if (!waits) refuse(busy("too many requests with a body are waiting"));
}

void http_connection::go_on_with_body() {
  body_bytes_ = 0;
  header_fields_ = field_count();
  stream_.expires_after(body_time);
  if (!boost::beast::iequals(parser_->get()[http::field::expect], "100-continue")) return read_body();
  static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  boost::asio::async_write(stream_, boost::asio::buffer(go_on),
                           [self = shared_from_this()](boost::beast::error_code problem, std::size_t) {
                             if (problem) return self->let_go();
                             self->read_body();
                           });
}

void http_connection::read_body() {
  http::async_read_some(stream_, buffer_, *parser_,
                        [self = shared_from_this()](boost::beast::error_code problem, std::size_t bytes) {
                          self->on_body(problem, bytes);
                        });
}

void http_connection::on_body(boost::beast::error_code problem, std::size_t bytes) {
  if (problem) return unreadable(problem);
  body_bytes_ += bytes;
  if (body_bytes_ > parser_->get().body().size() + chunk_headers_limit)
    return refuse(api::refuse(
        413, user_error("body_too_large", "the chunk headers of a body can't be larger than 1 MiB in total")));
  if (field_count() != header_fields_)
    return refuse(api::refuse(400, user_error("malformed_request", "headers after the body are not supported")));
  if (!parser_->is_done()) return read_body();
  request_.body = std::move(parser_->get().body());
  take_turn();
}

// -- the answer

void http_connection::take_turn() {
  stream_.expires_never();
  auto& turns = api::is_submission(request_) ? shared_.plans : shared_.turns;
  const bool waits = turns.enter(1, [self = shared_from_this(), &turns] {
    self->turn_ = &turns;
    if (api::is_submission(self->request_)) return self->answer_submission();
    self->answer();
  });
  if (!waits) refuse(busy("too many requests are waiting for an answer"));
}

void http_connection::answer() {
  boost::asio::post(shared_.quick, [self = shared_from_this(), request = std::move(request_)]() mutable {
    if (auto answered = self->shared_.answers.answer_without_store(request)) return self->deliver(std::move(*answered));
    self->answer_from_store(std::move(request));
  });
}

void http_connection::answer_submission() {
  // The thread may outlive the server: it holds nothing of it, so that nothing waits for what it would keep alive.
  const auto ticket = ++shared_.last_planned;
  shared_.planned.emplace(ticket, shared_from_this());
  auto work = [server = shared_.weak_from_this(), planning = shared_.planning, ticket,
               answers = shared_.answers.of_submissions(), request = std::move(request_)] {
    api_response answered;
    try {
      answered = answers.answer(request);
    } catch (const std::exception& problem) {  // no memory, or a library's
      answered = api::refuse(500, internal_error("unexpected_exception", problem.what()));
    }
    if (const auto alive = server.lock())
      boost::asio::post(alive->network, [to = alive.get(), ticket, answered = std::move(answered)]() mutable {
        const auto waits = to->planned.extract(ticket).mapped();
        waits->write(std::move(answered), waits->keep_alive_);
      });
    --*planning;
  };
  ++*shared_.planning;
  try {
    std::thread(std::move(work)).detach();
  } catch (const std::system_error&) {
    --*shared_.planning;
    shared_.planned.erase(ticket);
    write(busy("the system gives no thread"), keep_alive_);
  }
}

void http_connection::deliver(api_response answered) {
  boost::asio::post(shared_.network, [self = shared_from_this(), answered = std::move(answered)]() mutable {
    self->write(std::move(answered), self->keep_alive_);
  });
}

void http_connection::answer_from_store(api_request request) {
  boost::asio::post(shared_.blocking, [self = shared_from_this(), request = std::move(request)] {
    auto& shared = self->shared_;
    if (!api::is_stream(request)) return self->deliver(shared.answers.answer(request));
    auto what = shared.answers.stream(request);
    boost::asio::post(shared.network, [self, request, what = std::move(what)]() mutable {
      if (!what.ok()) return self->write(refusal_of(what.problem()), false);
      const bool socket = wants_socket(request);
      if (const auto wrong = socket ? refusal_of_socket(request) : std::nullopt)
        return self->write(refusal_of(*wrong), false);
      if (self->shared_.streams >= http_shared::most_streams)
        return self->write(busy("there are " + std::to_string(http_shared::most_streams) + " streams of events"),
                           false);
      self->let_go();
      self->owe(what->wait.has_value());
      if (what->wait) return std::make_shared<event_poll>(self, self->shared_, std::move(what).value())->start();
      if (socket)
        return make_event_socket(std::move(self->stream_), self->shared_, std::move(what).value(), request)->start();
      std::make_shared<event_stream>(std::move(self->stream_), self->shared_, std::move(what).value())->start();
    });
  });
}

/// What is left of the request is not read: the connection ends.
void http_connection::refuse(const api_response& with) { write(with, false); }

void http_connection::write(api_response answered, bool keep_alive) {
  end_audit(answered);
  keep_alive = keep_alive && !shared_.draining;
  response_.emplace(static_cast<http::status>(answered.status), 11);
  response_->set(http::field::server, "sluice");
  response_->set(http::field::content_type, answered.content_type);
  response_->set(http::field::cache_control, "no-store");
  // No browser may take rows or errors for a page or a script, nor let a page of another site read them.
  response_->set("X-Content-Type-Options", "nosniff");
  response_->set("Cross-Origin-Resource-Policy", "same-origin");
  for (const auto& [name, value] : answered.headers) response_->set(name, value);
  if (answered.status == 503) response_->set(http::field::retry_after, "1");
  response_->keep_alive(keep_alive);
  // Rows (rejects) are data: masked where they were written, but for the records themselves.
  const bool as_it_is = !answered.has_data || answered.content_type == "application/x-ndjson";
  response_->body() = as_it_is ? std::move(answered.body) : secrets::mask(std::move(answered.body));
  response_->prepare_payload();
  if (head_only_) response_->body().clear();
  stream_.expires_after(write_time);
  http::async_write(stream_, *response_,
                    [self = shared_from_this(), keep_alive](boost::beast::error_code problem, std::size_t) {
                      self->let_go();
                      self->response_.reset();
                      if (problem) return;
                      self->be_newcomer();  // it may have to make room, idle or not done yet
                      if (keep_alive) return self->begin_request(idle_time);
                      // Encrypted, the end of the answer is known by its length, and more may still come in.
                      boost::beast::error_code ignored;
                      if (!self->stream_.encrypted())
                        self->stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
                      self->stream_.expires_after(linger_time);
                      self->linger();
                    });
}

/// A client that still sends would lose the answer if the connection were closed at once: what it sends is thrown away
/// for a while, as much as a body may have.
void http_connection::linger() {
  stream_.async_read_some(boost::asio::buffer(unread_),
                          [self = shared_from_this()](boost::beast::error_code problem, std::size_t bytes) {
                            self->lingered_ += bytes;
                            if (problem || self->lingered_ >= body_limit) return self->let_go();
                            self->linger();
                          });
}

}  // namespace sluice::cluster
