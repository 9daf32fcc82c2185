#pragma once

#include "engine/clients/kafka/client.hpp"
#include "engine/component/interruption.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct rd_kafka_topic_s;

namespace sluice::kafka {

struct producer_settings {
  std::string topic;
  std::string transactional_id;  ///< empty: idempotent, without transactions
  std::int64_t transaction_milliseconds = 0;
  std::string compression = "none";
  std::int64_t linger_milliseconds = 5;
  std::int64_t queued_bytes = 0;  ///< of messages that were not sent yet
};

/// A message to send.
struct outgoing {
  std::optional<std::string_view> value;
  std::optional<std::string_view> key;
  const std::vector<std::pair<std::string, std::optional<std::string>>>* headers = nullptr;
};

/// Sends messages to a topic, all of one transaction or without. Calls come from one thread at a time.
class producer : private delivery_listener {
 public:
  /// With a transactional id, whatever another producer has begun with it is aborted, and that one can't go on.
  static result<std::unique_ptr<producer>> make(const cluster& where, const producer_settings& how, interruption* stop);
  ~producer() override;

  enum class sent { yes, too_large };
  /// Queues a message; waits while the queue is full. too_large: the client's or the broker's limit refuses it.
  result<sent> send(const outgoing& message);
  /// Waits until all brokers concerned have acknowledged everything. The error of the first message that was not.
  /// `longest`: an error of no answer after that; 0: as long as brokers answer at all.
  status flush(std::chrono::milliseconds longest = std::chrono::milliseconds(0));
  /// Whether no broker is connected. From any thread.
  [[nodiscard]] std::optional<down_state> down() const { return client_->heard().down(); }
  /// Messages queued so far.
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// Counts from 0 again.
  void forget_counts() { count_ = bytes_ = 0; }

 private:
  producer(producer_settings how, interruption* stop) : how_(std::move(how)), stop_(stop) {}
  void delivered(const rd_kafka_message_s& message) override;
  status begin();
  /// What has gone wrong meanwhile, or that it takes too long.
  status check(const std::string& doing);
  [[nodiscard]] error refused(int code) const;

  producer_settings how_;
  interruption* stop_;
  std::unique_ptr<client> client_;
  rd_kafka_topic_s* topic_ = nullptr;
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
  std::chrono::milliseconds patience_{0};  ///< with brokers that are gone
  std::chrono::milliseconds patience_at_start_{0};
  std::optional<int> failed_;  ///< code of the first message that was refused
};

}  // namespace sluice::kafka
