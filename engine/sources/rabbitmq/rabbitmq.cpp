#include "engine/component/component.hpp"
#include "engine/sources/rabbitmq/metadata.hpp"
#include "engine/sources/rabbitmq/queue_source.hpp"
#include "engine/values/quantities.hpp"

#include <algorithm>

namespace sluice {

namespace {

constexpr std::int64_t usual_prefetch = 10'000;
constexpr std::int64_t most_prefetch = 65'535;

error fault(std::string code, std::string message, std::string hint, std::string path) {
  auto problem = user_error(std::move(code), std::move(message), std::move(hint));
  problem.path = std::move(path);
  return problem;
}

void read_limits(const options& own, queue_table& into, diagnostics& faults) {
  const auto prefetch = own.value("prefetch", usual_prefetch);
  if (prefetch < 1 || prefetch > most_prefetch)
    faults.push_back(fault("invalid_option", "prefetch must be between 1 and 65535, found " + std::to_string(prefetch),
                           "prefetch: 10000", "/rabbitmq/prefetch"));
  into.how.prefetch = static_cast<std::uint16_t>(std::clamp<std::int64_t>(prefetch, 1, most_prefetch));
  const auto window = parse_duration(own.value("dedup", "10m"));
  if (window.ok()) {
    constexpr std::int64_t microseconds = 1'000'000;
    into.dedup_seconds = *window == 0 ? 0 : std::max<std::int64_t>(*window / microseconds, 1);
  } else {
    faults.push_back(fault("invalid_option", window.problem().message, window.problem().hint, "/rabbitmq/dedup"));
  }
}

bool asks_for_headers(const source_request& request) {
  if (!request.metadata.is_object()) return false;
  for (const auto& [name, kind] : request.metadata.items())
    if (kind == "headers") return true;
  return false;
}

std::unique_ptr<source> make(const source_request& request, diagnostics& faults) {
  const auto before = faults.size();
  const auto& own = request.own;
  auto made = std::make_shared<queue_table>();
  made->where = rabbitmq::read_server(own, request.context != nullptr ? request.context->base_folder : "", faults);
  made->how.queue = own.is_object() ? own.value("queue", "") : "";
  if (made->how.queue.empty())
    faults.push_back(fault("missing_key", "rabbitmq needs queue: the queue to read", "queue: orders", "/rabbitmq"));
  read_limits(own, *made, faults);
  made->how.retry = retry_of(own);
  made->how.seed = (request.context != nullptr ? request.context->seed : 0) ^ request.number;
  made->how.headers = asks_for_headers(request);
  made->form = messages::read_format(own);
  made->unit = request.unit;
  made->number = request.number;
  made->want_positions = request.want_positions;
  if (faults.size() > before) return nullptr;

  std::shared_ptr<arrow::Schema> sampled;
  if (messages::wants_sample(request, made->form)) {
    auto found = sample_queue(*made, request.sample);
    if (!found.ok()) {
      faults.push_back(std::move(found).problem());
      if (faults.back().path.empty()) faults.back().path = "/rabbitmq";
      return nullptr;
    }
    sampled = *found;
  }
  if (!messages::choose_columns(request, rabbitmq_metadata_kinds(), sampled, *made, faults)) return nullptr;
  return std::make_unique<queue_source>(std::move(made));
}

component_spec spec() {
  return {
      .name = "rabbitmq",
      .kind = component_kind::source,
      .summary = "Reads a queue of RabbitMQ",
      .description =
          "The queue must exist. Messages are acknowledged after the checkpoint that holds their rows is committed, so "
          "none is lost when the engine or the broker dies. `prefetch` is how many messages the broker gives before it "
          "wants some acknowledged; they are held in memory, so lower it for large messages. When half of them wait to "
          "be "
          "acknowledged, or one for five minutes, the run makes a checkpoint, even if `run: { checkpoint }` is "
          "longer.\n\n"
          "What was not acknowledged comes again after a failure. Such a message is recognised by its `message_id` and "
          "counted as filtered. Ids are kept in the checkpoint for as long as the message may come again, and for "
          "`dedup` after that (at most the last 200,000). So each message becomes a row exactly once, if the senders "
          "give each one a different id. A second message with the same id within `dedup` is dropped too. Messages "
          "without id are read at least once. `dedup: 0s` keeps no ids.\n\n"
          "`format: json` reads one JSON object from each message. Without `types:` the columns are inferred from the "
          "first 1,000 messages (or `sample:`) that are in the queue within 5 s, which go back to it; with `types:` "
          "exactly those columns are read. Other fields of the objects are ignored. `format: csv` reads one record "
          "without header and needs `types:` in the order of the fields. `format: text` and `format: bytes` give the "
          "column `value`. A message that can't be read is rejected, and acknowledged like the others.\n\n"
          "`metadata:` adds columns: `{ _id: message_id, _at: timestamp, _exchange: exchange, _key: routing_key, "
          "_again: redelivered, _headers: headers }`. Headers are a JSON object as text.\n\n"
          "The rows stay in the order of the queue, except for messages that come again. A queue is read on one node. "
          "A lost connection is made again as `retry:` says; then the run fails (`connection_lost`).",
      .value = {.form = shape::object,
                .help = "the queue to read",
                .elements = {rabbitmq::server_field(),
                             {.name = "queue", .form = shape::text, .help = "name of the queue", .required = true},
                             messages::format_field(),
                             {.name = "prefetch",
                              .form = shape::integer,
                              .help = "messages that may be read and not yet acknowledged, 1 to 65535",
                              .default_value = usual_prefetch},
                             {.name = "dedup",
                              .form = shape::duration,
                              .help = "how long ids of messages are remembered; 0s: not at all",
                              .default_value = "10m"}}},
      .law = "in = out + filtered + rejected",
      .example = R"yaml(version: 1
pipeline: rabbitmq-source-example
connections:
  bus: { rabbitmq: { url: "${RABBITMQ:-amqp://guest:guest@127.0.0.1:5672}" } }
extract:
  orders:
    rabbitmq: { connection: bus, queue: orders, format: json }
    types: { id: bigint, country: text, amount: "decimal(12,2)" }
    metadata: { _id: message_id, _at: timestamp }
load:
  nowhere:
    from: orders
    blackhole: {}
)yaml",
      .bounded = false,
      .replayable = false,
  };
}

}  // namespace

const component& rabbitmq_source() {
  static const component made = {.spec = spec(), .make_source = make};
  return made;
}

}  // namespace sluice
