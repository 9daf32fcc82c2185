#include "engine/sources/rabbitmq/metadata.hpp"

#include "engine/values/types.hpp"
#include "engine/values/utf8.hpp"

#include <arrow/type.h>

namespace sluice {

namespace {

/// False: it is no UTF-8.
bool append_text(const std::optional<std::string>& text, typed::column& into) {
  if (!text) {
    into.append_null();
    return true;
  }
  if (!is_utf8(*text)) return false;
  typed::append_bytes(*text, into);
  return true;
}

void append_timestamp(const std::optional<std::int64_t>& seconds, typed::column& into) {
  constexpr std::int64_t most = std::int64_t{1} << 43;  // in microseconds it must fit as well
  if (!seconds || *seconds < -most || *seconds > most) return into.append_null();
  into.values.append(*seconds * 1'000'000);
  ++into.length;
}

}  // namespace

const std::vector<messages::metadata_kind>& rabbitmq_metadata_kinds() {
  static const std::vector<messages::metadata_kind> all = {
      {"message_id", arrow::utf8()},  {"timestamp", timestamptz_type()}, {"exchange", arrow::utf8()},
      {"routing_key", arrow::utf8()}, {"redelivered", arrow::boolean()}, {"headers", arrow::utf8()},
  };
  return all;
}

std::optional<typed::record_fault> append_metadata(const rabbitmq::message& from, const messages::message_table& what,
                                                   typed::rows& into) {
  for (const auto& [kind, at] : what.metadata) {
    auto& column = into.columns()[at];
    bool good = true;
    switch (static_cast<rabbitmq_metadata>(kind)) {
      case rabbitmq_metadata::id:
        good = append_text(from.id, column);
        break;
      case rabbitmq_metadata::timestamp:
        append_timestamp(from.timestamp, column);
        break;
      case rabbitmq_metadata::exchange:
        good = append_text(from.exchange, column);
        break;
      case rabbitmq_metadata::routing_key:
        good = append_text(from.routing_key, column);
        break;
      case rabbitmq_metadata::redelivered:
        typed::append_boolean(from.redelivered, column);
        break;
      case rabbitmq_metadata::headers:
        good = append_text(from.headers, column);
        break;
    }
    if (!good)
      return typed::record_fault{
          .code = "invalid_utf8",
          .column = column.name,
          .message = "the " + rabbitmq_metadata_kinds()[kind].name + " of the message is not valid UTF-8"};
  }
  return {};
}

}  // namespace sluice
