#include "engine/clients/rabbitmq/headers.hpp"

#include "engine/component/options.hpp"

#include <amqp.h>

#include <cmath>

namespace sluice::rabbitmq {

namespace {

constexpr int deepest = 32;

std::string text_of(const amqp_bytes_t& bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.bytes == nullptr ? 0 : bytes.len};
}

options to_options(const amqp_table_t& table, int depth);

options to_options(const amqp_field_value_t& value, int depth) {
  switch (value.kind) {
    case AMQP_FIELD_KIND_BOOLEAN:
      return value.value.boolean != 0;
    case AMQP_FIELD_KIND_I8:
      return static_cast<std::int64_t>(value.value.i8);
    case AMQP_FIELD_KIND_U8:
      return static_cast<std::uint64_t>(value.value.u8);
    case AMQP_FIELD_KIND_I16:
      return static_cast<std::int64_t>(value.value.i16);
    case AMQP_FIELD_KIND_U16:
      return static_cast<std::uint64_t>(value.value.u16);
    case AMQP_FIELD_KIND_I32:
      return static_cast<std::int64_t>(value.value.i32);
    case AMQP_FIELD_KIND_U32:
      return static_cast<std::uint64_t>(value.value.u32);
    case AMQP_FIELD_KIND_I64:
      return value.value.i64;
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
      return value.value.u64;
    case AMQP_FIELD_KIND_F32:
      return static_cast<double>(value.value.f32);
    case AMQP_FIELD_KIND_F64:
      return value.value.f64;
    case AMQP_FIELD_KIND_DECIMAL:
      return static_cast<double>(value.value.decimal.value) / std::pow(10.0, value.value.decimal.decimals);
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES:
      return text_of(value.value.bytes);
    case AMQP_FIELD_KIND_TABLE:
      return depth >= deepest ? options() : to_options(value.value.table, depth + 1);
    case AMQP_FIELD_KIND_ARRAY: {
      auto list = options::array();
      for (int i = 0; depth < deepest && i < value.value.array.num_entries; ++i)
        list.push_back(to_options(value.value.array.entries[i], depth + 1));
      return list;
    }
    default:
      return {};
  }
}

options to_options(const amqp_table_t& table, int depth) {
  auto made = options::object();
  for (int i = 0; i < table.num_entries; ++i)
    made[text_of(table.entries[i].key)] = to_options(table.entries[i].value, depth);
  return made;
}

}  // namespace

std::string headers_as_json(const amqp_table_t_& headers) { return to_options(headers, 0).dump(); }

}  // namespace sluice::rabbitmq
