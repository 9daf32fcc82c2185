#include "cluster/proof/handshake.hpp"

#include <algorithm>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace sluice::cluster {

std::string peer_address(const boost::asio::ip::tcp::socket& connection) {
  boost::system::error_code problem;
  const auto remote = connection.remote_endpoint(problem);
  return problem ? std::string() : remote.address().to_string(problem) + ":" + std::to_string(remote.port());
}

handshake::handshake(network_stream connection, proof how, outcome then)
    : connection_(std::move(connection)),
      timer_(connection_.socket().get_executor()),
      how_(std::move(how)),
      then_(std::move(then)),
      from_(peer_address(connection_.socket())) {}

void handshake::start() {
  boost::system::error_code ignored;
  connection_.socket().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  timer_.expires_after(proof_limit);
  timer_.async_wait([weak = weak_from_this()](boost::system::error_code cancelled) {
    if (const auto self = weak.lock(); self && !cancelled)
      self->end(external_error("foreign_client", "it did not prove within 5 s that it has the token"));
  });
  const auto as = how_.dials() ? network_stream::side::client : network_stream::side::server;
  connection_.handshake(as, [self = shared_from_this()](boost::system::error_code problem) {
    if (!self->then_) return;
    if (problem) return self->end(self->connection_.fault(problem));
    self->prove();
  });
}

void handshake::prove() {
  in_proof_ = true;
  if (connection_.encrypted()) how_.bind(connection_.secret_of_channel());
  auto first = how_.begin();
  if (first.empty()) return read_length();
  send(std::move(first), [self = shared_from_this()] { self->read_length(); });
}

void handshake::evict() {
  end(external_error("foreign_client",
                     "it proved nothing while " + std::to_string(most_unproven) + " newer connections came"));
}

void handshake::read_length() {
  boost::asio::async_read(
      connection_, boost::asio::buffer(length_),
      [self = shared_from_this()](boost::system::error_code problem, std::size_t) {
        if (problem) return self->broke_off(problem);
        std::size_t size = 0;
        for (const auto byte : self->length_) size = size << 8 | byte;
        if (size == 0 || size > max_proof_bytes)
          return self->end(external_error("foreign_client", "it does not speak the protocol between nodes"));
        self->read_message(size);
      });
}

void handshake::read_message(std::size_t size) {
  in_.resize(size);
  boost::asio::async_read(connection_, boost::asio::buffer(in_),
                          [self = shared_from_this()](boost::system::error_code problem, std::size_t) {
                            if (problem) return self->broke_off(problem);
                            self->on_message();
                          });
}

void handshake::on_message() {
  if (!then_) return;
  auto next = how_.take(in_);
  auto go_on = [self = shared_from_this(), done = next.done, refused = std::move(next.refused)] {
    if (refused) return self->end(*refused);
    if (done) return self->end(self->proven_name());
    self->read_length();
  };
  if (next.send.empty()) return go_on();
  send(next.send, std::move(go_on));
}

void handshake::send(const std::string& message, std::function<void()> then) {
  out_.clear();
  for (int shift = 24; shift >= 0; shift -= 8) out_ += static_cast<char>(message.size() >> shift & 0xff);
  out_ += message;
  boost::asio::async_write(
      connection_, boost::asio::buffer(out_),
      [self = shared_from_this(), then = std::move(then)](boost::system::error_code problem, std::size_t) {
        if (problem) return self->broke_off(problem);
        then();
      });
}

void handshake::broke_off(boost::system::error_code why) {
  if (!then_) return;
  // With TLS 1.3 the side that dials learns only now that the other one does not accept its certificate.
  if (auto problem = connection_.fault(why); problem.code == "certificate_refused") return end(std::move(problem));
  end(external_error("foreign_client", connection_.encrypted()
                                           ? "it disconnected before the end of the proof"
                                           : "it disconnected before proving that it has the token"));
}

result<std::string> handshake::proven_name() {
  const auto& name = how_.peer();
  if (!connection_.encrypted()) return name;
  const auto names = connection_.names_of_peer();
  if (std::find(names.begin(), names.end(), name) != names.end()) return name;
  return user_error(
      "certificate_refused",
      "its name is " + name + ", but its certificate is for " + (names.empty() ? "no name" : names.front()),
      "each node needs its own certificate: sluice tls issue " + name);
}

void handshake::end(result<std::string> how) {
  if (!then_) return;
  timer_.cancel();
  if (!how.ok()) {
    // The reason, an alert or a refusal, is to arrive before the end.
    if (connection_.encrypted() && connection_.socket().is_open()) {
      connection_.close_gently();
    } else {
      connection_.close();
    }
  }
  // A copy: where it has failed a read may be under way, whose next step still asks this one.
  std::exchange(then_, nullptr)(std::move(how), connection_);
}

}  // namespace sluice::cluster
