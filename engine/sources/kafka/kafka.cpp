#include "engine/clients/kafka/cluster.hpp"
#include "engine/columns/typed/read_value.hpp"
#include "engine/component/component.hpp"
#include "engine/expression/regex/pattern.hpp"
#include "engine/memory/manager.hpp"
#include "engine/sources/kafka/kafka_topics.hpp"
#include "engine/sources/kafka/metadata.hpp"
#include "engine/sources/kafka/sampling.hpp"

#include <algorithm>

namespace sluice {

namespace {

error fault(std::string code, std::string message, std::string hint, std::string path) {
  auto problem = user_error(std::move(code), std::move(message), std::move(hint));
  problem.path = std::move(path);
  return problem;
}

void read_topics(const options& own, kafka_table& into, diagnostics& faults) {
  if (own.contains("topic") && own["topic"].is_string()) into.topics = {own["topic"].get<std::string>()};
  if (own.contains("topic") && own["topic"].is_array()) into.topics = own["topic"].get<std::vector<std::string>>();
  std::erase(into.topics, std::string());
  if (into.topics.empty())
    faults.push_back(fault("missing_topic", "kafka needs topic: a name, a list of names or a pattern",
                           "topic: orders, or topic: \"^orders-\"", "/kafka"));
  for (const auto& name : into.topics) {
    if (!name.starts_with('^')) continue;
    expression::regex::syntax_fault why;
    if (!expression::regex::pattern::make(name, {}, why))
      faults.push_back(
          fault("invalid_option", "the pattern of topic can't be read: " + why.message, why.hint, "/kafka/topic"));
  }
}

void read_start(const options& own, kafka_table& into, diagnostics& faults) {
  const auto start = own.value("start", "earliest");
  typed::moment when;
  if (start == "earliest") {
    into.start = kafka_table::begin::earliest;
  } else if (start == "latest") {
    into.start = kafka_table::begin::latest;
  } else if (typed::read_moment(start, when)) {
    into.start = kafka_table::begin::time;
    into.start_milliseconds = (when.zoned ? when.microseconds : into.zone.to_utc(when.microseconds)) / 1000;
  } else {
    faults.push_back(fault("invalid_option", "start must be earliest, latest or a time, found '" + start + "'",
                           "start: \"2024-05-01T00:00:00Z\"", "/kafka/start"));
  }
}

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  const auto before = faults.size();
  const auto& own = request.own;
  auto made = std::make_shared<kafka_table>();
  if (auto zone = zone_clock::find(request.context ? request.context->timezone : "UTC"); zone.ok()) made->zone = *zone;
  made->where = kafka::read_cluster(own, "kafka", request.context ? request.context->base_folder : "", faults);
  read_topics(own, *made, faults);
  read_start(own, *made, faults);
  made->form = messages::read_format(own);
  made->bounded = own.value("until", "") == "now";
  made->unit = request.unit;
  made->number = request.number;
  made->want_positions = request.want_positions;
  made->group = own.value("group", "");
  if (made->group.empty()) made->group = (request.context ? request.context->pipeline + "." : "") + request.unit;
  const auto memory = request.context && request.context->memory ? request.context->memory->limit() : 0;
  made->queued_bytes = std::clamp<std::int64_t>(memory / 8, 8 << 20, 512 << 20);
  if (faults.size() > before) return nullptr;

  std::shared_ptr<arrow::Schema> sampled;
  if (messages::wants_sample(request, made->form)) {
    auto found = sample_columns(*made, request.sample);
    if (!found.ok()) {
      faults.push_back(std::move(found).problem());
      if (faults.back().path.empty()) faults.back().path = "/kafka";
      return nullptr;
    }
    sampled = *found;
  }
  if (!messages::choose_columns(request, kafka_metadata_kinds(), sampled, *made, faults)) return nullptr;
  return std::make_unique<kafka_topics>(std::move(made));
}

std::vector<field_spec> fields() {
  return {kafka::cluster_field(),
          {.name = "topic",
           .form = shape::one_of,
           .help = "a name, a list of names, or a pattern that begins with ^",
           .required = true,
           .elements = {{.form = shape::text}, {.form = shape::list, .elements = {{.form = shape::text}}}}},
          messages::format_field(),
          {.name = "start",
           .form = shape::text,
           .help = "where to begin: earliest, latest, or a time (\"2024-05-01T00:00:00Z\")",
           .default_value = "earliest"},
          {.name = "until",
           .form = shape::text,
           .help = "now: read what is there at the start, then end (default: read without end)",
           .choices = {"now"}},
          {.name = "group",
           .form = shape::text,
           .help = "consumer group whose offsets are committed (default: pipeline.unit)"}};
}

component_spec spec() {
  return {
      .name = "kafka",
      .kind = component_kind::source,
      .summary = "Reads topics of Apache Kafka",
      .description =
          "A split is a partition. Only messages of committed transactions are read. Partitions that are added during "
          "a "
          "run are found within some seconds and read from their beginning, and so are new topics that "
          "match a pattern. The rows of one partition stay in order; between partitions there is no order.\n\n"
          "The position of a run is in its checkpoints. The offsets of the consumer group are committed for monitoring "
          "only and never read. With `until: now` the source ends at the offsets that it finds at the start. Messages "
          "that Kafka has deleted before they were read fail the run (`messages_gone`).\n\n"
          "`format: json` reads one JSON object from each message. Without `types:` the columns are inferred from the "
          "first 1,000 messages (or `sample:`), within 5 s at most; with `types:` exactly those columns are read. "
          "Other fields of the objects are ignored. `format: csv` reads one record without header and needs "
          "`types:` in the order of the fields. `format: text` and `format: bytes` give the column `value`.\n\n"
          "`metadata:` adds columns: `{ _key: key, _at: timestamp, _topic: topic, _partition: partition, _offset: "
          "offset, _headers: headers, _deleted: deleted }`. Headers are a JSON object as text; the values of a name "
          "that occurs several times are a list. A message without value (tombstone) is a row with `deleted` true "
          "and nulls, if `metadata:` asks for `deleted`; otherwise it is rejected. A message that can't be read is "
          "rejected; its `file` is topic and partition, for example `orders[3]`, its `offset` the offset.\n\n"
          "The client connects again by itself after a failure. If no broker has answered for 60 s, or for as long as "
          "the "
          "tries of `retry:` take together, the run fails (`broker_unreachable`).",
      .value = {.form = shape::object, .help = "the topics to read", .elements = fields()},
      .law = "in = out + filtered + rejected",
      .example = R"yaml(version: 1
pipeline: kafka-source-example
extract:
  orders:
    kafka: { brokers: "${KAFKA}", topic: orders, format: json, until: now }
    types: { id: bigint, country: text, amount: "decimal(12,2)" }
    metadata: { _key: key, _at: timestamp }
load:
  nowhere:
    from: orders
    blackhole: {}
)yaml",
      .bounded = false,
      .runs = locality::anywhere,
  };
}

}  // namespace

const component& kafka_source() {
  static const component made = {.spec = spec(), .make_source = make};
  return made;
}

}  // namespace sluice
