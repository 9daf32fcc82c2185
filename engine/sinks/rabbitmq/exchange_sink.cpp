#include "engine/sinks/rabbitmq/exchange_sink.hpp"

#include "engine/component/opaque.hpp"

#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

constexpr char token_of_rabbitmq = 'R';
constexpr std::size_t longest_short_text = 255;

std::string content_type_of(messages::format form) {
  switch (form) {
    case messages::format::json:
      return "application/json";
    case messages::format::csv:
      return "text/csv";
    case messages::format::text:
      return "text/plain";
    case messages::format::bytes:
      break;
  }
  return "application/octet-stream";
}

status check_token(const std::string& token) {
  opaque_reader bytes(token, token_of_rabbitmq);
  (void)bytes.number();
  return bytes.done("what the rabbitmq sink has prepared");
}

}  // namespace

exchange_sink::exchange_sink(const sink_request& request, exchange_sink_options what)
    : schema_(request.schema),
      policy_(request.policy),
      what_(std::move(what)),
      id_prefix_(request.context->run_id),
      encoder_(*request.schema, what_.columns, request.policy),
      to_(what_.where, what_.exchange, what_.retry, request.context->seed) {}

exchange_sink::~exchange_sink() = default;

std::string exchange_sink::where_to() const {
  return what_.exchange.empty() ? "queue " + what_.routing_key : "exchange " + what_.exchange;
}

status exchange_sink::open(std::uint32_t attempt) {
  id_prefix_ += "." + std::to_string(attempt) + ".";
  return to_.open();
}

status exchange_sink::refuse(row_error why, row_errors& refused) const {
  if (policy_ != on_error::reject)
    return user_error(why.code,
                      (why.column.empty() ? "" : "column " + why.column + ": ") + why.message + ", in row " +
                          std::to_string(rows_ + static_cast<std::uint64_t>(why.row) + 1),
                      why.code == "unroutable_message"
                          ? "bind a queue to the exchange with this key; on_error: reject sends the row to the rejects"
                          : "on_error: reject sends the row to the rejects");
  refused.push_back(std::move(why));
  return {};
}

result<bool> exchange_sink::send(const messages::made_message& message, row_errors& refused) {
  rabbitmq::outgoing out;
  out.number = rows_ + static_cast<std::uint64_t>(message.row);
  out.content_type = content_type_of(what_.columns.form);
  out.persistent = what_.persistent;
  std::string room;
  const auto bad = [&](std::string code, int column, std::string why) -> result<bool> {
    const auto name = column < 0 ? std::string() : schema_->field(column)->name();
    SLUICE_TRY(
        refuse({.row = message.row, .code = std::move(code), .column = name, .message = std::move(why)}, refused));
    return false;
  };
  if (!message.value) return bad("null_value", -1, "a message of RabbitMQ can't be null");
  out.body.assign(*message.value);
  out.routing_key = what_.routing_key;
  if (const int column = what_.routing_key_column; column >= 0) {
    const auto key = encoder_.bytes_of(column, message.row, room);
    if (!key) return bad("null_value", column, "the routing key is null");
    out.routing_key.assign(*key);
    if (key->size() > longest_short_text)
      return bad("value_too_long", column,
                 "a routing key may have 255 bytes, this one has " + std::to_string(key->size()));
  }
  if (const int column = what_.message_id_column; column >= 0) {
    const auto id = encoder_.bytes_of(column, message.row, room);
    if (!id) return bad("null_value", column, "the id of the message is null");
    out.message_id.assign(*id);
    if (id->size() > longest_short_text)
      return bad("value_too_long", column, "an id may have 255 bytes, this one has " + std::to_string(id->size()));
  } else {
    out.message_id = id_prefix_ + std::to_string(numbered_++);
  }
  for (const auto& [name, column] : what_.columns.headers)
    if (const auto value = encoder_.bytes_of(column, message.row, room)) out.headers.emplace_back(name, *value);
  const auto size = out.body.size();
  SLUICE_TRY(to_.publish(std::move(out)));
  ++sent_;
  bytes_ += size;
  return true;
}

/// Tells what came back of the rows from `first` on; the broker has confirmed all where rows may be refused.
status exchange_sink::settle(std::uint64_t first, row_errors& refused) {
  if (policy_ == on_error::reject) SLUICE_TRY(to_.settle());
  for (const auto& one : to_.take_unroutable()) {
    --sent_;
    // The row of an earlier batch is told as such: refuse counts from the begin of this one.
    SLUICE_TRY(refuse({.row = static_cast<std::int64_t>(one.number) - static_cast<std::int64_t>(first),
                       .code = "unroutable_message",
                       .column = what_.routing_key_column < 0 ? "" : schema_->field(what_.routing_key_column)->name(),
                       .message = "no queue takes the message that was sent to " + where_to() + " (" + one.why + ")"},
                      refused));
  }
  return {};
}

status exchange_sink::write(const batch& rows, row_errors& refused) {
  encoder_.start(*rows.data);
  const auto before = refused.size();
  for (;;) {
    const auto misfits = refused.size();
    const auto message = encoder_.next(refused);
    if (policy_ == on_error::fail && refused.size() > misfits) return refuse(refused[misfits], refused);
    if (!message) break;
    SLUICE_ASSIGN(const bool sent, send(*message, refused));
    (void)sent;
  }
  SLUICE_TRY(settle(rows_, refused));
  std::sort(refused.begin() + static_cast<std::ptrdiff_t>(before), refused.end(),
            [](const auto& a, const auto& b) { return a.row < b.row; });
  rows_ += static_cast<std::uint64_t>(rows.rows());
  return {};
}

result<prepared_epoch> exchange_sink::prepare(std::uint64_t epoch) {
  SLUICE_TRY(to_.settle());
  row_errors none;
  SLUICE_TRY(settle(rows_, none));
  prepared_epoch made;
  made.report.target = where_to();
  made.report.loaded = std::exchange(sent_, 0);
  made.report.bytes = std::exchange(bytes_, 0);
  made.report.set_null = encoder_.set_null() - std::exchange(set_null_, encoder_.set_null());
  made.token = opaque_writer(token_of_rabbitmq).number(static_cast<std::int64_t>(epoch)).take();
  return made;
}

status exchange_sink::commit(const std::string& token) { return check_token(token); }

status exchange_sink::recover(const std::vector<std::string>& tokens) {
  for (const auto& token : tokens) SLUICE_TRY(check_token(token));
  return {};
}

}  // namespace sluice
