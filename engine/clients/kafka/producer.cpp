#include "engine/clients/kafka/producer.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>

namespace sluice::kafka {

namespace {

using namespace std::chrono_literals;

client::settings settings_of(const producer_settings& how) {
  client::settings all = {
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"linger.ms", std::to_string(how.linger_milliseconds)},
      {"batch.size", "1000000"},
      {"batch.num.messages", "100000"},
      {"compression.type", how.compression},
      // As Kafka's own clients choose the partition of a key, so that a reader finds a key where others put it.
      {"partitioner", "murmur2_random"},
      {"queue.buffering.max.messages", "1000000"},
      {"queue.buffering.max.kbytes", std::to_string(std::clamp<std::int64_t>(how.queued_bytes >> 10, 4096, 1 << 20))},
      // A message that was sent needs no event: what is flushed without one was acknowledged.
      {"delivery.report.only.error", "true"},
  };
  if (how.transactional_id.empty()) {
    all.emplace_back("message.timeout.ms", "0");  // the patience with brokers decides
  } else {
    all.emplace_back("transactional.id", how.transactional_id);
    all.emplace_back("transaction.timeout.ms", std::to_string(how.transaction_milliseconds));
  }
  return all;
}

/// Takes an error object of librdkafka.
struct taken_error {
  explicit taken_error(rd_kafka_error_t* from) : of(from) {}
  ~taken_error() {
    if (of != nullptr) rd_kafka_error_destroy(of);
  }
  taken_error(const taken_error&) = delete;
  taken_error& operator=(const taken_error&) = delete;
  rd_kafka_error_t* of;
};

}  // namespace

result<std::unique_ptr<producer>> producer::make(const cluster& where, const producer_settings& how,
                                                 interruption* stop) {
  std::unique_ptr<producer> made(new producer(how, stop));
  made->patience_ = where.patience;
  made->patience_at_start_ = where.patience_at_start;
  SLUICE_ASSIGN(made->client_, client::make(where, client::role::producer, settings_of(how), made.get()));
  made->topic_ = rd_kafka_topic_new(made->client_->get(), how.topic.c_str(), nullptr);
  if (made->topic_ == nullptr) return from_kafka(rd_kafka_last_error(), "write to topic " + how.topic);
  if (!how.transactional_id.empty()) SLUICE_TRY(made->begin());
  return made;
}

producer::~producer() {
  // What is still queued belongs to nobody any more.
  if (client_) rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  if (topic_ != nullptr) rd_kafka_topic_destroy(topic_);
}

void producer::delivered(const rd_kafka_message_s& message) {
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR && !failed_) failed_ = message.err;
}

status producer::begin() {
  const auto doing = "begin a transaction as " + how_.transactional_id;
  constexpr int milliseconds = 1000;
  const auto until = std::chrono::steady_clock::now() + patience_;
  // While none of the brokers that it has learned of is connected, librdkafka asks for the coordinator only every half
  // a second. The leader of a partition that answers is one.
  std::int64_t oldest = 0;
  std::int64_t newest = 0;
  (void)rd_kafka_query_watermark_offsets(client_->get(), how_.topic.c_str(), 0, &oldest, &newest, milliseconds);
  for (;;) {
    const taken_error wrong(rd_kafka_init_transactions(client_->get(), milliseconds));
    if (wrong.of == nullptr) break;
    const auto code = rd_kafka_error_code(wrong.of);
    client_->poll(0);
    if (stop_ != nullptr && stop_->raised()) return interrupted_error(doing);
    if (auto why = client_->heard().given_up(std::max<std::chrono::milliseconds>(patience_at_start_, 10s))) return *why;
    if (code == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT)
      return user_error("invalid_option", doing + ": the broker does not allow a transaction_timeout that long",
                        "lower transaction_timeout, or raise transaction.max.timeout.ms of the brokers");
    if (rd_kafka_error_is_retriable(wrong.of) == 0) return from_kafka(code, doing);
    if (std::chrono::steady_clock::now() > until) return client_->heard().no_answer(doing);
  }
  const taken_error wrong(rd_kafka_begin_transaction(client_->get()));
  return wrong.of == nullptr ? status() : from_kafka(rd_kafka_error_code(wrong.of), doing);
}

error producer::refused(int code) const {
  const auto doing = "write to topic " + how_.topic;
  switch (code) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      return user_error("message_too_large", doing + ": the broker refuses messages of this size",
                        "raise max.message.bytes of the topic, or write less in a message");
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
      return external_error("transaction_lost",
                            doing +
                                ": the transaction took longer than transaction_timeout, or another process has "
                                "taken over its id " +
                                how_.transactional_id,
                            "raise transaction_timeout; for a long run, set commit: checkpoint with a shorter "
                            "run: { checkpoint: ... }, or idempotent: true",
                            true);
    default:
      return from_kafka(code, doing);
  }
}

status producer::check(const std::string& doing) {
  if (failed_) return refused(*failed_);
  char text[512];
  if (const auto fatal = rd_kafka_fatal_error(client_->get(), text, sizeof text); fatal != RD_KAFKA_RESP_ERR_NO_ERROR) {
    auto why = refused(fatal);
    if (why.code == "kafka_error") why.message = doing + ": " + text;
    return why;
  }
  if (stop_ != nullptr && stop_->raised()) return interrupted_error(doing);
  if (auto why = client_->heard().given_up(patience_)) return *why;
  return {};
}

result<producer::sent> producer::send(const outgoing& message) {
  const auto part = [](const std::optional<std::string_view>& of) {
    // librdkafka takes a null pointer for null: an empty value needs another one.
    return const_cast<char*>(!of ? nullptr : of->data() == nullptr ? "" : of->data());
  };
  rd_kafka_headers_t* headers = nullptr;
  if (message.headers != nullptr && !message.headers->empty()) {
    headers = rd_kafka_headers_new(message.headers->size());
    for (const auto& [name, value] : *message.headers)
      rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value ? value->data() : nullptr,
                          value ? static_cast<ssize_t>(value->size()) : 0);
  }
  const auto value_size = message.value ? message.value->size() : 0;
  const auto key_size = message.key ? message.key->size() : 0;
  for (;;) {
    auto code = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (headers != nullptr) {
      code =
          rd_kafka_producev(client_->get(), RD_KAFKA_V_RKT(topic_), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                            RD_KAFKA_V_VALUE(part(message.value), value_size),
                            RD_KAFKA_V_KEY(part(message.key), key_size), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
    } else if (rd_kafka_produce(topic_, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, part(message.value), value_size,
                                part(message.key), key_size, nullptr) != 0) {
      code = rd_kafka_last_error();
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++count_;
      bytes_ += value_size + key_size;
      // Now and then, for the errors of messages and brokers.
      if (count_ % 1024 == 0) client_->poll(0);
      if (failed_) return refused(*failed_);
      return sent::yes;
    }
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
      if (headers != nullptr) rd_kafka_headers_destroy(headers);
      return sent::too_large;
    }
    auto why = code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? check("write to topic " + how_.topic) : status(refused(code));
    if (!why.ok()) {
      if (headers != nullptr) rd_kafka_headers_destroy(headers);
      return std::move(why).problem();
    }
    constexpr int milliseconds = 50;
    client_->poll(milliseconds);
  }
}

status producer::flush(std::chrono::milliseconds longest) {
  const auto doing = "write to topic " + how_.topic;
  const auto until = std::chrono::steady_clock::now() + longest;
  for (;;) {
    constexpr int milliseconds = 100;
    const auto code = rd_kafka_flush(client_->get(), milliseconds);
    SLUICE_TRY(check(doing));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      client_->heard().over();
      return {};
    }
    if (code != RD_KAFKA_RESP_ERR__TIMED_OUT) return refused(code);
    if (longest.count() > 0 && std::chrono::steady_clock::now() >= until) return client_->heard().no_answer(doing);
  }
}

}  // namespace sluice::kafka
