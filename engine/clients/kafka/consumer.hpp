#pragma once

#include "engine/clients/kafka/client.hpp"
#include "engine/clients/kafka/topics.hpp"
#include "engine/component/interruption.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

struct rd_kafka_message_s;
struct rd_kafka_queue_s;

namespace sluice::kafka {

/// Messages that were taken from a partition; they are given back when this is destroyed.
class taken_messages {
 public:
  explicit taken_messages(std::vector<rd_kafka_message_s*>& room, std::size_t count) : room_(room), count_(count) {}
  ~taken_messages();
  taken_messages(const taken_messages&) = delete;
  taken_messages& operator=(const taken_messages&) = delete;
  [[nodiscard]] std::span<rd_kafka_message_s* const> all() const { return {room_.data(), count_}; }

 private:
  std::vector<rd_kafka_message_s*>& room_;
  std::size_t count_;
};

struct consumer_settings {
  std::string group;
  std::int64_t queued_bytes = 0;  ///< fetched ahead, of one partition
};

/// Reads partitions from offsets that the caller knows, each through a queue of its own: it is in no group, and nothing
/// is committed. Only messages of settled transactions come. Calls come from one thread at a time, but for `interrupt`.
class consumer {
 public:
  static result<std::unique_ptr<consumer>> make(const cluster& where, const consumer_settings& how);
  ~consumer();
  consumer(const consumer&) = delete;
  consumer& operator=(const consumer&) = delete;

  /// Reads one more partition, from an offset on; gives its number here.
  result<std::size_t> add(const topic_partition& what, std::int64_t offset);
  /// Reads it no longer.
  void drop(std::size_t number);
  /// Takes what has come of a partition, at most `most`. A message with `err` stands for an event: the end of the
  /// partition, or an error.
  taken_messages take(std::size_t number, std::size_t most);
  /// Waits until something may have come, or the time is over; false where it was interrupted. The error: the brokers
  /// were not reached for `patience`, or never will be.
  result<bool> wait(std::chrono::steady_clock::time_point until, std::chrono::milliseconds patience);
  void interrupt() noexcept { stopped_.raise(); }
  [[nodiscard]] bool interrupted() const noexcept { return stopped_.raised(); }
  /// Whether no broker is connected. From any thread.
  [[nodiscard]] std::optional<down_state> down() const { return client_->heard().down(); }

 private:
  struct source_queue {
    topic_partition what;
    rd_kafka_queue_s* queue = nullptr;  ///< null: dropped
  };

  consumer(std::unique_ptr<client> with, int event) : client_(std::move(with)), event_(event) {}
  void see_whether_it_is_back();

  interruption stopped_;
  std::unique_ptr<client> client_;
  int event_;  ///< an eventfd, readable when something has come into an empty queue
  std::vector<source_queue> queues_;
  std::vector<rd_kafka_message_s*> room_;
  std::chrono::steady_clock::time_point asked_ = {};  ///< when a broker was last asked whether it is back
};

}  // namespace sluice::kafka
