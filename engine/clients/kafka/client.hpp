#pragma once

#include "engine/clients/kafka/cluster.hpp"
#include "engine/clients/kafka/trouble.hpp"
#include "engine/error/error.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

struct rd_kafka_s;
struct rd_kafka_message_s;

namespace sluice::kafka {

/// Called for each message that a producer has settled; comes from the thread that polls it.
class delivery_listener {
 public:
  virtual ~delivery_listener() = default;
  virtual void delivered(const rd_kafka_message_s& message) = 0;
};

/// A connection of librdkafka to a cluster, with its threads. What it logs goes to `heard()` instead of the terminal.
class client {
 public:
  enum class role { consumer, producer };
  using settings = std::vector<std::pair<std::string, std::string>>;

  /// `more`: properties of librdkafka; those that an older version does not know are left out. Connects in the
  /// background. The error (kafka_settings) names a property that was refused, for example an unreadable certificate.
  static result<std::unique_ptr<client>> make(const cluster& where, role as, const settings& more,
                                              delivery_listener* listener = nullptr);
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  [[nodiscard]] rd_kafka_s* get() const { return handle_; }
  [[nodiscard]] trouble& heard() { return heard_; }
  /// Has callbacks run that wait, for at most so long; gives how many.
  int poll(int milliseconds);
  /// Tells the listener; librdkafka calls it while someone polls.
  void settled(const rd_kafka_message_s& message);

 private:
  explicit client(std::string brokers) : heard_(std::move(brokers)) {}

  trouble heard_;
  delivery_listener* listener_ = nullptr;
  role as_ = role::consumer;
  rd_kafka_s* handle_ = nullptr;
};

/// The error of a code of librdkafka (rd_kafka_resp_err_t): "doing: what it says", with a hint where there is one.
error from_kafka(int code, const std::string& doing);

}  // namespace sluice::kafka
