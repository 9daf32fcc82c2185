#include "engine/clients/kafka/producer.hpp"
#include "engine/clients/kafka/topics.hpp"
#include "engine/component/component.hpp"
#include "engine/notify/channels.hpp"
#include "engine/notify/message_form.hpp"
#include "engine/notify/subscriber.hpp"

#include <mutex>

namespace sluice {

namespace {

using namespace std::chrono_literals;

constexpr auto acknowledged_within = 10s;  // below delivery_limit

class kafka_channel final : public subscriber {
 public:
  kafka_channel(kafka::cluster where, std::string topic, notify::message_form form)
      : where_(std::move(where)), form_(std::move(form)) {
    where_.patience = acknowledged_within;
    where_.patience_at_start = 0ms;
    how_.topic = std::move(topic);
    how_.linger_milliseconds = 0;
    how_.queued_bytes = 8 << 20;
  }

  delivery_attempt deliver(const notice& what) override {
    delivery_attempt made;
    const auto formed = form_.form(what);
    if (!formed.ok()) {
      made.answer = formed.problem().message;
      return made;
    }
    if (!*formed) return notify::not_told();
    const std::lock_guard one_at_a_time(lock_);
    const auto sent = send(what, **formed);
    if (!sent.ok()) {
      made.answer = sent.problem().message;
      // What is still queued is not to arrive beside the next try.
      producer_.reset();
      return made;
    }
    made.what = delivery_attempt::outcome::delivered;
    made.answer = "acknowledged";
    return made;
  }

  void interrupt() noexcept override { stop_.raise(); }

 private:
  status make_producer() {
    // As a consumer: where a producer asks for a topic, a broker may make it.
    SLUICE_ASSIGN(const auto asking,
                  kafka::client::make(where_, kafka::client::role::consumer, {{"allow.auto.create.topics", "false"}}));
    SLUICE_ASSIGN(const auto found, kafka::partitions_of(*asking, how_.topic, [this] { return stop_.raised(); }));
    (void)found;
    SLUICE_ASSIGN(producer_, kafka::producer::make(where_, how_, &stop_));
    return {};
  }

  status send(const notice& what, const notify::formed_message& message) {
    if (!producer_) SLUICE_TRY(make_producer());
    const auto& last = what.events.back();
    // The CloudEvents binding for Kafka asks for these headers.
    std::vector<std::pair<std::string, std::optional<std::string>>> headers = {{"content-type", message.content_type}};
    for (const auto& [name, value] : message.attributes) headers.emplace_back("ce_" + name, value);
    SLUICE_ASSIGN(const auto taken, producer_->send({.value = message.body, .key = last.run, .headers = &headers}));
    if (taken == kafka::producer::sent::too_large)
      return user_error("message_too_large", "the notification has more than 1,000,000 bytes");
    return producer_->flush(acknowledged_within);
  }

  kafka::cluster where_;
  kafka::producer_settings how_;
  notify::message_form form_;
  interruption stop_;
  std::mutex lock_;
  std::unique_ptr<kafka::producer> producer_;
};

}  // namespace

std::unique_ptr<subscriber> make_kafka_subscriber(const subscriber_request& request, diagnostics& faults) {
  const auto before = faults.size();
  auto where = kafka::read_cluster(request.own, "kafka", request.base_folder, faults);
  const auto topic = request.own.value("topic", "");
  if (topic.empty()) {
    faults.push_back(user_error("missing_topic", "kafka needs topic: the topic to write to", "topic: etl-events"));
    faults.back().path = "/kafka";
  }
  if (faults.size() > before) return nullptr;
  return std::make_unique<kafka_channel>(std::move(where), topic, notify::message_form(request.own));
}

namespace {

component_spec spec() {
  return {
      .name = "kafka",
      .kind = component_kind::subscriber,
      .summary = "Writes each notification to a topic of Apache Kafka",
      .description =
          "The value is a CloudEvents 1.0 object (or an OpenLineage run event, with `format: openlineage`), whose id "
          "stays the same over all tries; the key is the id of the "
          "run, "
          "so that the notifications of a run stay in order. The producer is idempotent. A notification counts as "
          "delivered when all replicas have acknowledged it; a broker that is down, a topic that does not exist, or no "
          "acknowledgement within 15 seconds is a failure and is tried again later.",
      .value = {.form = shape::object,
                .help = "the topic to write to",
                .elements = notify::with_form(
                    {kafka::cluster_field(), {.name = "topic", .help = "it must exist", .required = true}}, true)},
      .example = R"yaml(version: 1
pipeline: kafka-channel-example
connections:
  shop: { kafka: { brokers: "${KAFKA:-localhost:9092}" } }
extract:
  numbers:
    generate: { rows: 10, columns: { id: sequence } }
load:
  nowhere: { from: numbers, blackhole: {} }
channels:
  bus: { kafka: { connection: shop, topic: etl-events } }
notify:
  - { name: failures, when: "severity = 'error'", to: [bus] }
)yaml",
      .promise = delivery::at_least_once,
      .runs = locality::anywhere,
  };
}

}  // namespace

const component& kafka_subscriber() {
  static const component made = {.spec = spec()};
  return made;
}

}  // namespace sluice
