#include "engine/clients/kafka/client.hpp"

#include <librdkafka/rdkafka.h>

namespace sluice::kafka {

namespace {

client::settings settings_of(const cluster& where) {
  client::settings all = {{"bootstrap.servers", where.brokers}, {"client.id", "sluice"},
                          {"socket.keepalive.enable", "true"},  {"reconnect.backoff.ms", "100"},
                          {"reconnect.backoff.max.ms", "5000"}, {"log.connection.close", "false"}};
  const bool sasl = !where.mechanism.empty();
  all.emplace_back("security.protocol",
                   where.tls ? (sasl ? "SASL_SSL" : "SSL") : (sasl ? "SASL_PLAINTEXT" : "PLAINTEXT"));
  if (sasl) {
    all.emplace_back("sasl.mechanism", where.mechanism);
    all.emplace_back("sasl.username", where.user);
    all.emplace_back("sasl.password", where.password);
  }
  if (where.tls) {
    // "probe" looks for the certificates of the system, wherever the distribution has them.
    all.emplace_back("ssl.ca.location", where.ca.empty() ? "probe" : where.ca);
    if (!where.certificate.empty()) all.emplace_back("ssl.certificate.location", where.certificate);
    if (!where.key.empty()) all.emplace_back("ssl.key.location", where.key);
    if (!where.key_password.empty()) all.emplace_back("ssl.key.password", where.key_password);
    all.emplace_back("enable.ssl.certificate.verification", where.verify ? "true" : "false");
    all.emplace_back("ssl.endpoint.identification.algorithm", where.verify ? "https" : "none");
  }
  return all;
}

void on_error(rd_kafka_t*, int code, const char* reason, void* of) {
  static_cast<client*>(of)->heard().note(code, reason);
}

void on_log(const rd_kafka_t* handle, int, const char* facility, const char* text) {
  // Failed connections are told to on_error only when somebody polls; the log comes at once.
  if (std::string_view(facility) != "FAIL") return;
  std::string_view line(text);
  if (line.starts_with("[thrd:")) line.remove_prefix(std::min(line.find("]: ") + 3, line.size()));
  static_cast<client*>(rd_kafka_opaque(handle))->heard().note(RD_KAFKA_RESP_ERR__TRANSPORT, std::string(line));
}

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* of) {
  static_cast<client*>(of)->settled(*message);
}

status set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char why[512];
  const auto done = rd_kafka_conf_set(conf, name.c_str(), value.c_str(), why, sizeof why);
  if (done != RD_KAFKA_CONF_INVALID) return {};
  return user_error("kafka_settings", std::string("the Kafka client refuses a setting: ") + why,
                    "check brokers, sasl and tls of the unit");
}

}  // namespace

result<std::unique_ptr<client>> client::make(const cluster& where, role as, const settings& more,
                                             delivery_listener* listener) {
  std::unique_ptr<client> made(new client(where.brokers));
  made->listener_ = listener;
  made->as_ = as;
  using conf_ptr = std::unique_ptr<rd_kafka_conf_t, decltype(&rd_kafka_conf_destroy)>;
  conf_ptr conf(rd_kafka_conf_new(), rd_kafka_conf_destroy);
  for (const auto& [name, value] : settings_of(where)) SLUICE_TRY(set(conf.get(), name, value));
  for (const auto& [name, value] : more) SLUICE_TRY(set(conf.get(), name, value));
  rd_kafka_conf_set_opaque(conf.get(), made.get());
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  if (listener != nullptr) rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
  char why[512];
  made->handle_ =
      rd_kafka_new(as == role::consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf.get(), why, sizeof why);
  if (made->handle_ == nullptr)
    return user_error("kafka_settings", std::string("the Kafka client can't start: ") + why,
                      "check brokers, sasl and tls of the unit");
  (void)conf.release();  // it belongs to the handle now
  return made;
}

client::~client() {
  if (handle_ == nullptr) return;
  // Neither leaves a group, for it is in none, nor waits for messages: who wants them sent has flushed.
  rd_kafka_destroy_flags(handle_, as_ == role::consumer ? RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE : 0);
}

void client::settled(const rd_kafka_message_s& message) {
  if (listener_ != nullptr) listener_->delivered(message);
}

int client::poll(int milliseconds) { return rd_kafka_poll(handle_, milliseconds); }

error from_kafka(int code, const std::string& doing) {
  const auto number = static_cast<rd_kafka_resp_err_t>(code);
  auto message = doing + ": " + rd_kafka_err2str(number);
  switch (number) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      return user_error("not_authorized", std::move(message),
                        "the user of sasl needs the right for this; an administrator of Kafka gives it");
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return user_error("unknown_topic", std::move(message), "check the name of the topic; was it deleted?");
    default:
      return external_error("kafka_error", std::move(message), "the message is Kafka's", true);
  }
}

}  // namespace sluice::kafka
