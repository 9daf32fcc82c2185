#include "engine/sources/kafka/metadata.hpp"

#include "engine/formats/ndjson/text_writer.hpp"
#include "engine/values/types.hpp"
#include "engine/values/utf8.hpp"

#include <arrow/type.h>
#include <librdkafka/rdkafka.h>

#include <string_view>

namespace sluice {

namespace {

template <class Value>
void append(typed::column& into, Value value) {
  into.values.append(value);
  ++into.length;
}

void append_header_value(growing_bytes& out, const void* value, std::size_t size) {
  const std::string_view bytes(static_cast<const char*>(value), value == nullptr ? 0 : size);
  if (value == nullptr) {
    auto* to = out.room(4);
    std::memcpy(to, "null", 4);
    out.advance_to(to + 4);
  } else if (is_utf8(bytes)) {
    ndjson::append_quoted(out, bytes);
  } else {
    ndjson::append_hex(out, bytes);
  }
}

void append_plain(growing_bytes& out, char letter) { out.append(letter); }

/// All headers as one JSON object. Of a name that comes several times, the values are a list.
void append_headers(const rd_kafka_message_t& from, typed::column& into) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&from, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR || headers == nullptr)
    return into.append_null();
  auto& out = into.values;
  append_plain(out, '{');
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  bool first = true;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    const std::string_view here(name);
    const auto same = [&](std::size_t at) {
      const char* other = nullptr;
      const void* ignored = nullptr;
      std::size_t bytes = 0;
      return rd_kafka_header_get_all(headers, at, &other, &ignored, &bytes) == RD_KAFKA_RESP_ERR_NO_ERROR &&
             here == other;
    };
    bool told = false;
    for (std::size_t before = 0; before < i && !told; ++before) told = same(before);
    if (told) continue;
    if (!first) append_plain(out, ',');
    first = false;
    ndjson::append_quoted(out, is_utf8(here) ? here : std::string_view("?"));
    append_plain(out, ':');
    const auto count = rd_kafka_header_cnt(headers);
    std::size_t repeats = 0;
    for (std::size_t behind = i + 1; behind < count; ++behind) repeats += same(behind) ? 1 : 0;
    if (repeats > 0) append_plain(out, '[');
    append_header_value(out, value, size);
    for (std::size_t behind = i + 1; repeats > 0 && behind < count; ++behind) {
      if (!same(behind)) continue;
      rd_kafka_header_get_all(headers, behind, &name, &value, &size);
      append_plain(out, ',');
      append_header_value(out, value, size);
    }
    if (repeats > 0) append_plain(out, ']');
  }
  append_plain(out, '}');
  into.offsets.append(static_cast<std::int32_t>(out.size()));
  ++into.length;
}

void append_timestamp(const rd_kafka_message_t& from, typed::column& into) {
  rd_kafka_timestamp_type_t kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const auto milliseconds = rd_kafka_message_timestamp(&from, &kind);
  constexpr std::int64_t most = std::int64_t{1} << 53;  // in microseconds it must fit as well
  if (kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || milliseconds < -most || milliseconds > most)
    return into.append_null();
  append(into, milliseconds * 1000);
}

}  // namespace

const std::vector<messages::metadata_kind>& kafka_metadata_kinds() {
  static const std::vector<messages::metadata_kind> all = {
      {"key", arrow::utf8()},        {"timestamp", timestamptz_type()}, {"topic", arrow::utf8()},
      {"partition", arrow::int32()}, {"offset", arrow::int64()},        {"headers", arrow::utf8()},
      {"deleted", arrow::boolean()},
  };
  return all;
}

std::optional<typed::record_fault> append_metadata(const rd_kafka_message_s& from, const std::string& topic,
                                                   const messages::message_table& what, typed::rows& into) {
  for (const auto& [kind, at] : what.metadata) {
    auto& column = into.columns()[at];
    switch (static_cast<kafka_metadata>(kind)) {
      case kafka_metadata::key: {
        const std::string_view key(static_cast<const char*>(from.key), from.key == nullptr ? 0 : from.key_len);
        if (from.key == nullptr) {
          column.append_null();
        } else if (is_utf8(key)) {
          typed::append_bytes(key, column);
        } else {
          return typed::record_fault{
              .code = "invalid_utf8", .column = column.name, .message = "the key of the message is not valid UTF-8"};
        }
        break;
      }
      case kafka_metadata::timestamp:
        append_timestamp(from, column);
        break;
      case kafka_metadata::topic:
        typed::append_bytes(topic, column);
        break;
      case kafka_metadata::partition:
        append(column, from.partition);
        break;
      case kafka_metadata::offset:
        append(column, from.offset);
        break;
      case kafka_metadata::headers:
        append_headers(from, column);
        break;
      case kafka_metadata::deleted:
        typed::append_boolean(from.payload == nullptr, column);
        break;
    }
  }
  return {};
}

}  // namespace sluice
