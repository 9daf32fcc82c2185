#include "engine/clients/kafka/trouble.hpp"

#include <librdkafka/rdkafka.h>

namespace sluice::kafka {

namespace {

/// "host:9092/bootstrap: Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)"
/// without what only developers of the library want to know.
std::string plain_reason(std::string reason) {
  if (const auto state = reason.rfind(" (after "); state != std::string::npos) reason.resize(state);
  for (const std::string word : {"/bootstrap", "sasl_ssl://", "sasl_plaintext://", "ssl://", "ipv4#", "ipv6#"})
    for (auto at = reason.find(word); at != std::string::npos; at = reason.find(word)) reason.erase(at, word.size());
  return reason;
}

/// Waiting does not help: someone has to change something.
bool is_refusal(int code, const std::string& reason) {
  if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED) return true;
  return code == RD_KAFKA_RESP_ERR__SSL && reason.find("certificate") != std::string::npos;
}

}  // namespace

void trouble::note(int code, const std::string& reason) {
  const std::lock_guard guard(lock_);
  if (is_refusal(code, reason)) {
    const bool tls = code == RD_KAFKA_RESP_ERR__SSL;
    for_good_ = user_error(tls ? "tls_failed" : "authentication_failed",
                           (tls ? "no encrypted connection to Kafka at " : "Kafka at ") + brokers_ +
                               (tls ? ": " : " refused the user: ") + plain_reason(reason),
                           tls ? "check tls: the file of ca must contain the certificate that signed the broker's"
                               : "check mechanism, user and password of sasl");
    return;
  }
  if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    if (!since_) since_ = clock::now();
    return;  // what each broker said comes before
  }
  reason_ = plain_reason(reason);
}

void trouble::over() {
  const std::lock_guard guard(lock_);
  since_.reset();
}

bool trouble::lost() const {
  const std::lock_guard guard(lock_);
  return since_.has_value();
}

std::optional<down_state> trouble::down() const {
  const std::lock_guard guard(lock_);
  if (!since_) return {};
  const auto since = std::chrono::system_clock::now() - (clock::now() - *since_);
  return down_state{.since = std::chrono::duration_cast<std::chrono::microseconds>(since.time_since_epoch()).count(),
                    .why = "no broker of Kafka at " + brokers_ + " answers" + (reason_.empty() ? "" : ": " + reason_)};
}

error trouble::unreachable(clock::time_point since) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(clock::now() - since).count();
  return external_error("broker_unreachable",
                        "no broker of Kafka at " + brokers_ + " has answered" +
                            (seconds > 0 ? " for " + std::to_string(seconds) + " s" : "") +
                            (reason_.empty() ? "" : ": " + reason_),
                        "check that the brokers run and that their addresses (brokers:) are right from this machine; "
                        "if they require tls or sasl, set these options",
                        true);
}

std::optional<error> trouble::given_up(std::chrono::milliseconds patience) const {
  const std::lock_guard guard(lock_);
  if (for_good_) return for_good_;
  if (since_ && clock::now() - *since_ >= patience) return unreachable(*since_);
  return {};
}

error trouble::no_answer(const std::string& doing) const {
  const std::lock_guard guard(lock_);
  if (for_good_) return *for_good_;
  auto why = unreachable(since_.value_or(clock::now()));
  why.message = doing + ": " + why.message;
  return why;
}

}  // namespace sluice::kafka
