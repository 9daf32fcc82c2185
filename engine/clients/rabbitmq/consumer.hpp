#pragma once

#include "engine/clients/rabbitmq/connection.hpp"
#include "engine/component/down_note.hpp"
#include "engine/component/interruption.hpp"
#include "engine/component/retry.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

struct amqp_envelope_t_;

namespace sluice::rabbitmq {

/// A message as a queue gave it.
struct message {
  std::uint64_t number = 0;  ///< ascending over all connections of the consumer
  bool redelivered = false;  ///< it was given to somebody before, and not acknowledged
  std::string exchange;
  std::string routing_key;
  std::optional<std::string> id;            ///< message_id
  std::optional<std::int64_t> timestamp;    ///< seconds since 1970, as the sender has set it
  std::optional<std::string> headers = {};  ///< a JSON object, where it was asked for
  std::string body;
};

struct consumer_settings {
  std::string queue;
  std::uint16_t prefetch = 0;  ///< messages that the broker gives before it wants some acknowledged
  retry_rule retry;
  std::uint64_t seed = 0;
  std::uint64_t last_number = 0;  ///< the first message gets the next one
  bool headers = false;
};

/// Reads a queue on a thread of its own, which keeps the connection alive and makes it anew when it is lost. Messages
/// that were not taken by then are dropped, and so are those that were taken, but not acknowledged: the broker gives
/// them again, under other numbers. Thread-safe.
class consumer {
 public:
  consumer(server where, consumer_settings how);
  ~consumer();
  consumer(const consumer&) = delete;
  consumer& operator=(const consumer&) = delete;

  /// Takes what has come, at most so many messages and about so many bytes; empty where nothing came until then. The
  /// error: the broker is not reached any more, or never will be.
  result<std::vector<message>> take(std::size_t most, std::size_t bytes, std::chrono::steady_clock::time_point until);
  /// Acknowledges all messages up to this number; returns at once.
  void acknowledge(std::uint64_t upto);
  /// Waits until the broker has got that, or for so long.
  void flush(std::chrono::milliseconds longest);
  void interrupt() noexcept;
  [[nodiscard]] bool interrupted() const noexcept { return stop_.raised(); }
  /// Since when and why it is tried again.
  [[nodiscard]] std::optional<down_state> down() const { return down_.state(); }
  /// Messages that stood in the queue when it was opened last.
  [[nodiscard]] std::uint64_t waiting_at_start() const { return waiting_; }

 private:
  void work();
  status serve();
  status start(connection& with);
  status receive(connection& with);
  status send_acknowledgements(connection& with);
  void take_in(const amqp_envelope_t_& envelope);
  void wait_for_something(const connection& with);
  void wake() noexcept;

  const server where_;
  const consumer_settings how_;
  backoff waits_;
  interruption stop_;
  int wanted_;  ///< an eventfd: there is something to acknowledge, or it is to end
  std::atomic<std::uint64_t> waiting_ = 0;
  down_note down_;

  std::mutex lock_;  ///< of all below
  std::condition_variable changed_;
  std::deque<message> ready_;
  std::unique_ptr<connection> open_;
  std::uint64_t before_ = 0;       ///< number of the last message before this connection's first one
  std::uint64_t last_ = 0;         ///< number of the last message
  std::uint64_t acknowledge_ = 0;  ///< up to here they are to be acknowledged
  std::uint64_t acknowledged_ = 0;
  std::optional<error> failed_;

  std::thread thread_;
};

}  // namespace sluice::rabbitmq
