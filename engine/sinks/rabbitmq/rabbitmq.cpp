#include "engine/component/component.hpp"
#include "engine/sinks/rabbitmq/exchange_sink.hpp"

#include <arrow/type.h>

namespace sluice {

namespace {

error fault(std::string code, std::string message, std::string hint, std::string path) {
  auto problem = user_error(std::move(code), std::move(message), std::move(hint));
  problem.path = std::move(path);
  return problem;
}

void read_names(const options& own, exchange_sink_options& into, diagnostics& faults) {
  into.exchange = own.value("exchange", "");
  into.routing_key = own.value("routing_key", "");
  const bool by_column = !own.value("routing_key_column", "").empty();
  if (by_column && !into.routing_key.empty())
    faults.push_back(fault("given_twice", "routing_key and routing_key_column are both given", "remove one of them",
                           "/rabbitmq/routing_key"));
  if (into.exchange.empty() && into.routing_key.empty() && !by_column)
    faults.push_back(fault("missing_key", "rabbitmq needs exchange, or the name of a queue as routing_key",
                           "exchange: events, routing_key: orders", "/rabbitmq"));
  constexpr std::size_t longest = 255;
  for (const auto* name : {"exchange", "routing_key"})
    if (own.value(name, "").size() > longest)
      faults.push_back(fault("invalid_option", std::string(name) + " is longer than 255 bytes", {},
                             std::string("/rabbitmq/") + name));
}

std::unique_ptr<sink> make(const sink_request& request, diagnostics& faults) {
  const auto before = faults.size();
  const auto& own = request.own;
  exchange_sink_options what;
  what.where = rabbitmq::read_server(own, request.context->base_folder, faults);
  what.retry = retry_of(own);
  what.persistent = own.value("persistent", true);
  read_names(own, what, faults);
  what.columns =
      messages::read_message_columns(request, "rabbitmq", faults, {"routing_key_column", "message_id_column"});
  what.routing_key_column = what.columns.others[0];
  what.message_id_column = what.columns.others[1];
  if (faults.size() > before) return nullptr;
  return std::make_unique<exchange_sink>(request, std::move(what));
}

component_spec spec() {
  return {
      .name = "rabbitmq",
      .kind = component_kind::sink,
      .summary = "Writes messages to an exchange of RabbitMQ",
      .description =
          "Each row is one message. `format: json` writes an object with all columns, `csv` a record without header; "
          "`text` and `bytes` write the one column that is neither routing key, message id nor header. Routing keys "
          "and "
          "headers are written as text. Without `exchange` the routing key is the name of a queue. The exchange must "
          "exist.\n\n"
          "Messages are visible at once. A checkpoint, or the end of the run, waits until the broker has confirmed all "
          "of them, which it does for persistent messages when they are on disk in durable queues. A run that is "
          "repeated, and a connection that was lost, write some of them again (at least once). With "
          "`message_id_column` a message has the same id each time, by which a reader can drop the second one, as the "
          "source [rabbitmq](source-rabbitmq.md) does; otherwise each message gets an id that is never used again.\n\n"
          "The broker drops a message that no queue takes. Here it comes back, and its row is an error "
          "(`unroutable_message`): with `on_error: reject` it goes to the rejects, else it fails the run. With "
          "`reject` "
          "each batch waits for the broker's confirms, so it is slower.\n\n"
          "A lost connection is made again as `retry:` says; then the run fails (`connection_lost`). So it does where "
          "a "
          "queue refuses messages because it is full (`message_refused`).",
      .value = {.form = shape::object,
                .help = "the exchange and how to write to it",
                .elements = {rabbitmq::server_field(),
                             {.name = "exchange",
                              .form = shape::text,
                              .help = "name of the exchange; without it messages go to the queue that the key names"},
                             {.name = "routing_key", .form = shape::text, .help = "the key of all messages"},
                             {.name = "routing_key_column",
                              .form = shape::column,
                              .help = "column whose value is the message's key"},
                             messages::format_field(),
                             {.name = "headers",
                              .form = shape::map,
                              .help = "headers of the message: { name: column }; a null makes no header",
                              .elements = {{.form = shape::column}}},
                             {.name = "message_id_column",
                              .form = shape::column,
                              .help = "column whose value is the message's id (default: one that is never used again)"},
                             {.name = "persistent",
                              .form = shape::boolean,
                              .help = "durable queues keep the messages on disk",
                              .default_value = true}}},
      .law = "in = loaded + rejected",
      .example = R"yaml(version: 1
pipeline: rabbitmq-sink-example
connections:
  bus: { rabbitmq: { url: "${RABBITMQ:-amqp://guest:guest@127.0.0.1:5672}" } }
extract:
  orders:
    generate: { rows: 1000, columns: { id: sequence, amount: { random: [0.0, 99.9], type: "decimal(12,2)" } } }
load:
  onward:
    from: orders
    rabbitmq: { connection: bus, exchange: amq.topic, routing_key: orders.new, message_id_column: id }
)yaml",
      .promise = delivery::at_least_once,
      .modes = {"append"},
      .runs = locality::anywhere,
  };
}

}  // namespace

const component& rabbitmq_sink() {
  static const component made = {.spec = spec(), .make_sink = make};
  return made;
}

}  // namespace sluice
