#include "engine/clients/rabbitmq/publisher.hpp"
#include "engine/component/component.hpp"
#include "engine/notify/channels.hpp"
#include "engine/notify/subscriber.hpp"
#include "engine/notify/wording.hpp"
#include "engine/secrets/known_secrets.hpp"

#include <atomic>
#include <mutex>

namespace sluice {

namespace {

using namespace std::chrono_literals;

// Two of these, and the time to connect, are within delivery_limit.
constexpr auto confirmed_within = 5s;

class rabbitmq_channel final : public subscriber {
 public:
  rabbitmq_channel(rabbitmq::server where, std::string exchange, std::string routing_key)
      : where_(std::move(where)), exchange_(std::move(exchange)), routing_key_(std::move(routing_key)) {}

  delivery_attempt deliver(const notice& what) override {
    const std::lock_guard one_at_a_time(sending_);
    delivery_attempt made;
    const auto to = ready();
    if (!to) {
      made.answer = "stopped";
      return made;
    }
    const auto sent = send(*to, what);
    if (!sent.ok()) {
      made.answer = sent.problem().message;
      // What it may still hold is not to be sent beside the next try.
      drop();
      return made;
    }
    made.what = delivery_attempt::outcome::delivered;
    made.answer = "confirmed";
    return made;
  }

  void interrupt() noexcept override {
    stopped_ = true;
    const std::lock_guard guard(lock_);
    if (to_) to_->interrupt();
  }

 private:
  std::shared_ptr<rabbitmq::publisher> ready() {
    // A connection that was idle may be gone: one more try.
    constexpr retry_rule once_more{.attempts = 1, .backoff = 100ms, .max_backoff = 100ms};
    const std::lock_guard guard(lock_);
    if (stopped_) return nullptr;
    if (!to_) to_ = std::make_shared<rabbitmq::publisher>(where_, exchange_, once_more, 0, confirmed_within);
    return to_;
  }

  void drop() {
    const std::lock_guard guard(lock_);
    to_.reset();
  }

  status send(rabbitmq::publisher& to, const notice& what) const {
    SLUICE_TRY(to.publish({.number = 1,
                           .routing_key = routing_key_,
                           .message_id = what.id,
                           .content_type = "application/cloudevents+json; charset=utf-8",
                           .body = notify::to_json(what).dump(),
                           .headers = {{"pipeline", what.pipeline}, {"type", what.events.back().type}}}));
    SLUICE_TRY(to.settle());
    const auto back = to.take_unroutable();
    if (back.empty()) return {};
    return user_error("unroutable_message",
                      "no queue takes messages with the key " + routing_key_ + " (" + back.front().why + ")");
  }

  const rabbitmq::server where_;
  const std::string exchange_;
  const std::string routing_key_;
  std::atomic<bool> stopped_ = false;
  std::mutex sending_;
  std::mutex lock_;  ///< of the next one
  std::shared_ptr<rabbitmq::publisher> to_;
};

}  // namespace

std::unique_ptr<subscriber> make_rabbitmq_subscriber(const subscriber_request& request, diagnostics& faults) {
  const auto before = faults.size();
  rabbitmq::server where;
  // A url with a secret in it is read when the secret is known.
  if (!secrets::has_reference(request.own.value("url", "")))
    where = rabbitmq::read_server(request.own, request.base_folder, faults);
  const auto exchange = request.own.value("exchange", "");
  const auto key = request.own.value("routing_key", "");
  constexpr std::size_t longest = 255;
  if (exchange.empty() && key.empty()) {
    faults.push_back(user_error("missing_key", "rabbitmq needs exchange, or the name of a queue as routing_key",
                                "exchange: amq.topic, routing_key: etl.events"));
    faults.back().path = "/rabbitmq";
  }
  if (exchange.size() > longest || key.size() > longest) {
    faults.push_back(user_error("invalid_option", "exchange and routing_key may have 255 bytes"));
    faults.back().path = "/rabbitmq";
  }
  if (faults.size() > before) return nullptr;
  return std::make_unique<rabbitmq_channel>(std::move(where), exchange, key);
}

namespace {

component_spec spec() {
  return {
      .name = "rabbitmq",
      .kind = component_kind::subscriber,
      .summary = "Sends each notification to an exchange of RabbitMQ",
      .description =
          "The message is a CloudEvents 1.0 object, persistent, with the notification's id as `message_id`, which "
          "stays "
          "the same over all tries, and `pipeline` and `type` as headers. It counts as delivered when the broker has "
          "confirmed it. A message that no queue takes, a broker that is down, or no confirm within 15 seconds is a "
          "failure and is tried again later.",
      .value = {.form = shape::object,
                .help = "the exchange to write to",
                .elements = {rabbitmq::server_field(),
                             {.name = "exchange",
                              .help = "name of the exchange; without it the message goes to the queue that the key "
                                      "names"},
                             {.name = "routing_key", .help = "the message's key"}}},
      .example = R"yaml(version: 1
pipeline: rabbitmq-channel-example
extract:
  numbers:
    generate: { rows: 10, columns: { id: sequence } }
load:
  nowhere: { from: numbers, blackhole: {} }
channels:
  bus: { rabbitmq: { url: "${RABBITMQ:-amqp://guest:guest@127.0.0.1:5672}", exchange: amq.topic, routing_key: etl } }
notify:
  - { name: failures, when: "severity = 'error'", to: [bus] }
)yaml",
      .promise = delivery::at_least_once,
      .runs = locality::anywhere,
  };
}

}  // namespace

const component& rabbitmq_subscriber() {
  static const component made = {.spec = spec()};
  return made;
}

}  // namespace sluice
