#pragma once

#include "engine/clients/rabbitmq/server.hpp"
#include "engine/component/interruption.hpp"
#include "engine/error/error.hpp"

#include <atomic>
#include <memory>
#include <string>

struct amqp_connection_state_t_;
struct amqp_rpc_reply_t_;

namespace sluice::rabbitmq {

/// A connection of librabbitmq with one open channel (number 1). Used by one thread at a time, but for `cut`.
/// Heartbeats are sent and checked only within calls: whoever asks for them must call often.
class connection {
 public:
  /// Connects and logs in; `heartbeat` in seconds, 0: none. The errors: cannot_connect, tls_failed,
  /// authentication_failed, not_authorized, unknown_vhost, interrupted.
  static result<std::unique_ptr<connection>> open(const server& to, int heartbeat, const interruption& stop);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  [[nodiscard]] amqp_connection_state_t_* get() const { return state_; }
  [[nodiscard]] int socket() const { return socket_; }
  static constexpr int channel = 1;

  /// Success, or the error of the last synchronous method. One that the broker refuses closes the channel, so the
  /// connection is of no use behind it.
  [[nodiscard]] status last_reply(const std::string& doing) const;
  [[nodiscard]] error of_reply(const amqp_rpc_reply_t_& reply, const std::string& doing) const;
  /// The error of a status of librabbitmq that is not OK.
  [[nodiscard]] error of_status(int code, const std::string& doing) const;
  /// Reads the next frame where it may be one that ends the channel or the connection: an error then, else whatever it
  /// was is dropped.
  [[nodiscard]] status take_stray_frame(const std::string& doing) const;
  /// Lets calls under way in another thread fail.
  void cut() noexcept;

 private:
  explicit connection(std::string name) : name_(std::move(name)) {}
  status connect(const server& to);
  status log_in(const server& to, int heartbeat);

  std::string name_;
  amqp_connection_state_t_* state_ = nullptr;
  std::atomic<int> socket_ = -1;
};

/// The error of a code and a text with which a broker closes a channel or a connection.
error refused_by_broker(int code, const std::string& text, const std::string& doing);

}  // namespace sluice::rabbitmq
