#include "engine/clients/rabbitmq/connection.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>

namespace sluice::rabbitmq {

namespace {

constexpr timeval connect_limit{5, 0};
constexpr timeval answer_limit{20, 0};
constexpr const char* system_certificates = "/etc/ssl/certs/ca-certificates.crt";

std::string text_of(const amqp_bytes_t& bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.bytes == nullptr ? 0 : bytes.len};
}

bool is_tls(int code) { return code <= AMQP_STATUS_SSL_ERROR && code >= AMQP_STATUS_SSL_SET_ENGINE_FAILED; }

/// Code and text of a method that closes a channel or a connection.
error closed_by(const amqp_method_t& method, const std::string& doing) {
  if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* why = static_cast<const amqp_connection_close_t*>(method.decoded);
    return refused_by_broker(why->reply_code, text_of(why->reply_text), doing);
  }
  if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* why = static_cast<const amqp_channel_close_t*>(method.decoded);
    return refused_by_broker(why->reply_code, text_of(why->reply_text), doing);
  }
  const auto* name = amqp_method_name(method.id);
  return external_error("rabbitmq_error", doing + ": unexpected answer " + (name == nullptr ? "" : name), {}, true);
}

}  // namespace

error refused_by_broker(int code, const std::string& text, const std::string& doing) {
  const auto message = doing + ": " + text;
  switch (code) {
    case AMQP_ACCESS_REFUSED:
      if (text.find("Login was refused") != std::string::npos)
        return external_error("authentication_failed", message,
                              "check user and password of the url; characters such as @ and / must be percent-encoded");
      return external_error("not_authorized", message,
                            "an administrator of RabbitMQ must give the right: rabbitmqctl set_permissions");
    case AMQP_NOT_FOUND:
      if (text.find("no exchange") != std::string::npos)
        return user_error("unknown_exchange", message,
                          "check the name; rabbitmqctl list_exchanges shows what there is");
      return user_error("unknown_queue", message,
                        "check the name, or declare the queue first; rabbitmqctl list_queues "
                        "shows what there is");
    case AMQP_NOT_ALLOWED:
      if (text.find("vhost") != std::string::npos)
        return user_error("unknown_vhost", message,
                          "check the part of the url after the host: amqp://host/vhost; without one it is /");
      return external_error("rabbitmq_error", message);
    case AMQP_CONNECTION_FORCED:
    case AMQP_INTERNAL_ERROR:
      return external_error("connection_lost", message, "the broker is stopping or starting", true);
    case AMQP_RESOURCE_LOCKED:
      return external_error("rabbitmq_error", message, "another connection has declared the queue as exclusive");
    case AMQP_PRECONDITION_FAILED:
      return external_error("rabbitmq_error", message, {}, text.find("timed out") != std::string::npos);
    default:
      return external_error("rabbitmq_error", message);
  }
}

result<std::unique_ptr<connection>> connection::open(const server& to, int heartbeat, const interruption& stop) {
  std::unique_ptr<connection> made(new connection(to.shown()));
  made->state_ = amqp_new_connection();
  if (made->state_ == nullptr) return external_error("out_of_memory", "no memory for a connection to RabbitMQ");
  SLUICE_TRY(made->connect(to));
  if (stop.raised()) return interrupted_error("connecting to RabbitMQ");
  SLUICE_TRY(made->log_in(to, heartbeat));
  return made;
}

connection::~connection() {
  // Closing in the protocol's way would wait for an answer; the broker takes a closed socket for the same.
  socket_ = -1;
  if (state_ != nullptr) amqp_destroy_connection(state_);
}

status connection::connect(const server& to) {
  // Certificates are set up by OpenSSL itself since 1.1.
  amqp_set_initialize_ssl_library(0);
  auto* const socket = to.tls ? amqp_ssl_socket_new(state_) : amqp_tcp_socket_new(state_);
  if (socket == nullptr) return external_error("out_of_memory", "no memory for a connection to RabbitMQ");
  if (to.tls) {
    amqp_ssl_socket_set_verify_peer(socket, to.verify ? 1 : 0);
    amqp_ssl_socket_set_verify_hostname(socket, to.verify ? 1 : 0);
    const auto& ca = to.ca.empty() ? std::string(system_certificates) : to.ca;
    if ((!to.ca.empty() || to.verify) && amqp_ssl_socket_set_cacert(socket, ca.c_str()) != AMQP_STATUS_OK)
      return user_error("tls_failed", "the certificates of " + ca + " can't be read",
                        "ca must be a file of certificates in PEM");
    if (!to.certificate.empty() &&
        amqp_ssl_socket_set_key(socket, to.certificate.c_str(), to.key.c_str()) != AMQP_STATUS_OK)
      return user_error("tls_failed", "the client's certificate " + to.certificate + " or its key can't be used",
                        "certificate and key must be files in PEM that belong together");
  }
  auto limit = connect_limit;
  const int code = amqp_socket_open_noblock(socket, to.host.c_str(), to.port, &limit);
  if (is_tls(code))
    return external_error("tls_failed", "connect to " + name_ + ": " + amqp_error_string2(code),
                          "the file of tls: ca must contain the certificate that has signed the broker's, and the "
                          "host of the url must be a name in that one");
  if (code != AMQP_STATUS_OK)
    return external_error("cannot_connect", "connect to RabbitMQ at " + name_ + ": " + amqp_error_string2(code),
                          "check that the broker runs and that the url is right from this machine", true);
  socket_ = amqp_get_sockfd(state_);
  auto answer = answer_limit;
  amqp_set_handshake_timeout(state_, &answer);
  amqp_set_rpc_timeout(state_, &answer);
  return {};
}

status connection::log_in(const server& to, int heartbeat) {
  constexpr int all_channels = 0;
  constexpr int frame_bytes = 131072;
  const auto doing = "log in to RabbitMQ at " + name_ + " as " + to.user;
  // Lets the broker say why it refuses a login, instead of closing the socket.
  amqp_table_entry_t capability;
  capability.key = amqp_cstring_bytes("authentication_failure_close");
  capability.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  capability.value.value.boolean = 1;
  amqp_table_entry_t notified = capability;
  notified.key = amqp_cstring_bytes("consumer_cancel_notify");
  amqp_table_entry_t capabilities[] = {capability, notified};
  amqp_table_entry_t entries[2];
  entries[0].key = amqp_cstring_bytes("capabilities");
  entries[0].value.kind = AMQP_FIELD_KIND_TABLE;
  entries[0].value.value.table = {2, capabilities};
  entries[1].key = amqp_cstring_bytes("connection_name");
  entries[1].value.kind = AMQP_FIELD_KIND_UTF8;
  entries[1].value.value.bytes = amqp_cstring_bytes("sluice");
  const amqp_table_t properties{2, entries};
  const auto reply =
      amqp_login_with_properties(state_, to.vhost.c_str(), all_channels, frame_bytes, heartbeat, &properties,
                                 AMQP_SASL_METHOD_PLAIN, to.user.c_str(), to.password.c_str());
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
    auto why = of_reply(reply, doing);
    if (why.code == "connection_lost") why.code = "cannot_connect";
    return why;
  }
  amqp_channel_open(state_, channel);
  return last_reply("open a channel at " + name_);
}

status connection::last_reply(const std::string& doing) const {
  const auto reply = amqp_get_rpc_reply(state_);
  return reply.reply_type == AMQP_RESPONSE_NORMAL ? status() : status(of_reply(reply, doing));
}

error connection::of_reply(const amqp_rpc_reply_t& reply, const std::string& doing) const {
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) return closed_by(reply.reply, doing);
  return of_status(reply.reply_type == AMQP_RESPONSE_NONE ? AMQP_STATUS_CONNECTION_CLOSED : reply.library_error, doing);
}

error connection::of_status(int code, const std::string& doing) const {
  if (is_tls(code) && code != AMQP_STATUS_SSL_ERROR)
    return external_error("tls_failed", doing + ": " + amqp_error_string2(code));
  if (code == AMQP_STATUS_NO_MEMORY) return external_error("out_of_memory", doing + ": " + amqp_error_string2(code));
  return external_error("connection_lost",
                        doing + ": the connection to RabbitMQ at " + name_ + " was lost: " + amqp_error_string2(code),
                        "check that the broker runs, and the network between", true);
}

status connection::take_stray_frame(const std::string& doing) const {
  amqp_frame_t frame;
  timeval limit = answer_limit;
  const int code = amqp_simple_wait_frame_noblock(state_, &frame, &limit);
  if (code != AMQP_STATUS_OK) return of_status(code, doing);
  if (frame.frame_type != AMQP_FRAME_METHOD) return {};
  switch (frame.payload.method.id) {
    case AMQP_CONNECTION_CLOSE_METHOD:
    case AMQP_CHANNEL_CLOSE_METHOD:
      return closed_by(frame.payload.method, doing);
    case AMQP_BASIC_CANCEL_METHOD:
      // The queue was deleted, or has another leader now: connecting again tells which.
      return external_error("connection_lost", doing + ": the broker has ended the reading of the queue", {}, true);
    default:
      return {};
  }
}

void connection::cut() noexcept {
  if (const int file = socket_; file >= 0) ::shutdown(file, SHUT_RDWR);
}

}  // namespace sluice::rabbitmq
