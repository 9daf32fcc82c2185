#pragma once

#include "engine/clients/kafka/cluster.hpp"
#include "engine/component/interruption.hpp"
#include "engine/error/error.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::kafka {

/// A broker's address.
struct endpoint {
  std::string host;
  std::string port;
};

/// The addresses in "host:port,[::1]:port"; a missing port is 9092.
std::vector<endpoint> endpoints_of(const std::string& brokers);

/// A connection to one broker that sends requests as bytes, for what librdkafka has no function: with TLS and SASL
/// (PLAIN, SCRAM) as the cluster wants it. Every call ends within some seconds, or when it is interrupted.
class raw_connection {
 public:
  /// Connects and authenticates. The errors: broker_unreachable, tls_failed, authentication_failed, interrupted.
  static result<std::unique_ptr<raw_connection>> open(const cluster& of, const endpoint& to, interruption* stop);
  ~raw_connection();
  raw_connection(const raw_connection&) = delete;
  raw_connection& operator=(const raw_connection&) = delete;

  /// Sends a request and gives the body of its response. `flexible`: that version has tagged fields.
  result<std::string> request(std::int16_t key, std::int16_t version, bool flexible, std::string_view body);

 private:
  using time_point = std::chrono::steady_clock::time_point;
  struct tls_state;

  raw_connection(std::string name, interruption* stop);
  status connect(const endpoint& to);
  status start_tls(const cluster& of, const std::string& host);
  status authenticate(const cluster& of);
  result<std::string> sasl_step(const std::string& bytes);
  status write_all(std::string_view bytes, time_point until);
  status read_all(char* to, std::size_t size, time_point until);
  status wait(short events, time_point until);
  [[nodiscard]] error lost(const std::string& why) const;

  std::string name_;  ///< "host:port"
  interruption* stop_;
  int socket_ = -1;
  std::unique_ptr<tls_state> tls_;  ///< null: plain
  std::int32_t number_ = 0;         ///< of the last request
};

}  // namespace sluice::kafka
