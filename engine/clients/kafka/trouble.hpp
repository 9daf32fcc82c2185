#pragma once

#include "engine/clients/kafka/cluster.hpp"
#include "engine/component/may_be_down.hpp"
#include "engine/error/error.hpp"

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

namespace sluice::kafka {

/// What a client has heard of brokers that it can't talk to. librdkafka connects again by itself, with growing pauses;
/// who waits for it looks here whether to go on waiting. Thread-safe.
class trouble {
 public:
  using clock = std::chrono::steady_clock;

  explicit trouble(std::string brokers) : brokers_(std::move(brokers)) {}

  /// Notes what librdkafka says: a code of rd_kafka_resp_err_t and a text.
  void note(int code, const std::string& reason);
  /// A broker has answered.
  void over();
  /// True where no broker is connected, as far as is known.
  [[nodiscard]] bool lost() const;
  /// Since when and why; nothing where a broker is connected.
  [[nodiscard]] std::optional<down_state> down() const;

  /// The error of something that can't be had: at once where waiting does not help (wrong password, unknown
  /// certificate), else once no broker has answered for `patience`. None: go on.
  [[nodiscard]] std::optional<error> given_up(std::chrono::milliseconds patience) const;
  /// The error `broker_unreachable` of a request that had no answer, with the last thing heard.
  [[nodiscard]] error no_answer(const std::string& doing) const;

 private:
  [[nodiscard]] error unreachable(clock::time_point since) const;

  const std::string brokers_;
  mutable std::mutex lock_;
  std::optional<clock::time_point> since_;  ///< when all brokers were lost
  std::string reason_;                      ///< the last thing heard
  std::optional<error> for_good_;           ///< refused in a way that waiting does not change
};

}  // namespace sluice::kafka
