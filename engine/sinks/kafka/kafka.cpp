#include "engine/component/component.hpp"
#include "engine/memory/manager.hpp"
#include "engine/sinks/kafka/kafka_sink.hpp"
#include "engine/values/quantities.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

error fault(std::string message, std::string hint, std::string path) {
  auto problem = user_error("invalid_option", std::move(message), std::move(hint));
  problem.path = std::move(path);
  return problem;
}

std::int64_t milliseconds(const options& own, const char* name, std::int64_t preset, diagnostics& faults) {
  if (!own.contains(name) || !own[name].is_string()) return preset;
  const auto read = parse_duration(own[name].get<std::string>());
  if (read.ok()) return *read / 1000;
  faults.push_back(fault(read.problem().message, read.problem().hint, std::string("/kafka/") + name));
  return preset;
}

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  const auto before = faults.size();
  const auto& own = request.own;
  kafka_sink_options what;
  what.where = kafka::read_cluster(own, "kafka", request.context->base_folder, faults);
  what.columns = messages::read_message_columns(request, "kafka", faults);
  what.transactional = !own.value("idempotent", false);
  what.how.topic = own.value("topic", "");
  what.how.compression = own.value("compression", "none");
  what.how.linger_milliseconds = milliseconds(own, "linger", 5, faults);
  constexpr std::int64_t quarter_of_an_hour = 900'000;
  what.how.transaction_milliseconds = milliseconds(own, "transaction_timeout", quarter_of_an_hour, faults);
  constexpr std::int64_t shortest = 1000;
  if (what.how.transaction_milliseconds < shortest)
    faults.push_back(
        fault("transaction_timeout must be at least 1s", "transaction_timeout: 15m", "/kafka/transaction_timeout"));
  if (what.how.topic.empty())
    faults.push_back([] {
      auto problem = user_error("missing_topic", "kafka needs topic: the topic to write to", "topic: revenue");
      problem.path = "/kafka";
      return problem;
    }());
  const auto memory = request.context->memory ? request.context->memory->limit() : 0;
  what.how.queued_bytes = std::clamp<std::int64_t>(memory / 8, 8 << 20, 512 << 20);
  if (faults.size() > before) return nullptr;
  return std::make_unique<kafka_topic_sink>(request, std::move(what));
}

std::vector<field_spec> fields() {
  return {kafka::cluster_field(),
          {.name = "topic", .form = shape::text, .help = "the topic to write to; it must exist", .required = true},
          messages::format_field(),
          {.name = "key", .form = shape::column, .help = "column whose value is the key of the message"},
          {.name = "headers",
           .form = shape::map,
           .help = "headers of the message: { name: column }; a null makes no header",
           .elements = {{.form = shape::column}}},
          {.name = "idempotent",
           .form = shape::boolean,
           .help = "true: without transactions, visible at once, at least once",
           .default_value = false},
          {.name = "transaction_timeout",
           .form = shape::duration,
           .help = "after which Kafka aborts a transaction that was not committed",
           .default_value = "15m"},
          {.name = "compression",
           .form = shape::text,
           .help = "of the messages sent",
           .default_value = "none",
           .choices = {"none", "gzip", "snappy", "lz4", "zstd"}},
          {.name = "linger",
           .form = shape::duration,
           .help = "how long a message may wait for others to be sent with it",
           .default_value = "5ms"}};
}

component_spec spec() {
  return {
      .name = "kafka",
      .kind = component_kind::sink,
      .summary = "Writes to a topic of Apache Kafka",
      .description =
          "Each row is one message. `format: json` writes an object with all columns, `csv` a record without header; "
          "`text` and `bytes` write the one column that is neither key nor header, and null as a message without value "
          "(tombstone). Keys and headers are written as text, bytea as it is. The partition of a key is the one that "
          "Kafka's own clients choose (murmur2).\n\n"
          "Messages are written in transactions and become visible to readers with `isolation.level=read_committed` "
          "when the run commits: exactly once, also if a process dies between any two steps. Readers with "
          "`read_uncommitted` see messages before that, and also those of runs that failed. A transaction must be "
          "committed within "
          "`transaction_timeout` (the brokers allow 15 minutes unless configured otherwise); after that Kafka aborts "
          "it, and the run fails (`transaction_lost`, or `prepared_lost` at the commit). An open "
          "transaction of a run that died holds up readers of the topic until the next run of the pipeline, or until "
          "the time-out.\n\n"
          "With `idempotent: true` there are no transactions: messages are visible at once and in lower latency, and a "
          "run that is repeated writes them again (at least once). All messages are acknowledged by all replicas in "
          "both cases.\n\n"
          "A message of more than 1,000,000 bytes is a row error (`message_too_large`), and so is a value that the "
          "format can't represent. The topic must exist. If no broker has answered for 60 s, or for as long as the "
          "tries "
          "of `retry:` take together, the run fails (`broker_unreachable`).",
      .value = {.form = shape::object, .help = "the topic and how to write it", .elements = fields()},
      .law = "in = loaded + rejected",
      .example = R"yaml(version: 1
pipeline: kafka-sink-example
extract:
  orders:
    generate: { rows: 1000, columns: { id: sequence, amount: { random: [0.0, 99.9], type: "decimal(12,2)" } } }
load:
  onward:
    from: orders
    kafka: { brokers: "${KAFKA}", topic: revenue, key: id, format: json }
)yaml",
      .promise = delivery::transactional,
      .modes = {"append"},
      .runs = locality::anywhere,
  };
}

}  // namespace

const component& kafka_sink() {
  static const component made = {.spec = spec(), .make_sink = make};
  return made;
}

}  // namespace sluice
