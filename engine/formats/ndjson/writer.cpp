#include "engine/formats/ndjson/writer.hpp"

#include "engine/formats/ndjson/text_writer.hpp"
#include "engine/values/map_type.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <emmintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace sluice::ndjson {

/// A column, with what is needed to write its values.
struct record_writer::node {
  std::string key;  ///< ,"name": and 16 bytes that may be read
  std::size_t key_size = 0;
  std::string name;
  arrow::Type::type id = arrow::Type::NA;
  int scale = 0;
  bool zoned = false;
  bool json = false;
  bool map = false;  ///< written as an object: its keys are texts
  std::vector<node> children;
  // Of the batch at hand
  const arrow::Array* array = nullptr;
  const std::uint8_t* validity = nullptr;
  const void* values = nullptr;  ///< of fixed width, from the array's first row
  std::int64_t offset = 0;

  [[nodiscard]] bool is_null(std::int64_t row) const {
    const auto bit = row + offset;
    return validity != nullptr && (validity[bit / 8] >> (bit % 8) & 1) == 0;
  }
  template <class Value>
  [[nodiscard]] Value value(std::int64_t row) const {
    return static_cast<const Value*>(values)[row];
  }
};

namespace {

constexpr std::int64_t room_for_value = longest_value + 16;

void append_plain(growing_bytes& out, std::string_view text) {
  auto* to = out.room(static_cast<std::int64_t>(text.size()));
  std::memcpy(to, text.data(), text.size());
  out.advance_to(to + text.size());
}

/// Copies in steps of 16 bytes what has so many readable behind it.
void append_padded(growing_bytes& out, const char* from, std::size_t size) {
  auto* const to = out.room(static_cast<std::int64_t>(size) + 16);
  for (std::size_t at = 0; at < size; at += 16)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at)));
  out.advance_to(to + size);
}

/// Writes what a function of value_text.hpp writes, in quotes where it is no number.
template <class Function>
void append_written(growing_bytes& out, bool quoted, Function&& write) {
  auto* to = reinterpret_cast<char*>(out.room(room_for_value));
  if (quoted) *to++ = '"';
  to = write(to);
  if (quoted) *to++ = '"';
  out.advance_to(reinterpret_cast<std::uint8_t*>(to));
}

char* write_moment(char* out, std::int64_t microseconds, bool zoned) {
  char* end = write_timestamp(out, microseconds, false);
  // ISO 8601 wants a T where SQL has a blank.
  if (auto* blank = static_cast<char*>(std::memchr(out, ' ', static_cast<std::size_t>(end - out)))) *blank = 'T';
  if (zoned) *end++ = 'Z';
  return end;
}

template <class Node>
class value_writer {
 public:
  value_writer(growing_bytes& out, bool null_for_misfits) : out_(out), null_for_misfits_(null_for_misfits) {}

  /// False: the value has no place in JSON; `misfit` says which column and value.
  bool write(const Node& from, std::int64_t row) {
    if (from.is_null(row)) return append_plain(out_, "null"), true;
    switch (from.id) {
      case arrow::Type::BOOL: {
        const auto bit = row + from.offset;
        const bool value = (static_cast<const std::uint8_t*>(from.values)[bit / 8] >> (bit % 8) & 1) != 0;
        append_plain(out_, value ? "true" : "false");
        return true;
      }
      case arrow::Type::INT16:
        return integer(from.template value<std::int16_t>(row));
      case arrow::Type::INT32:
        return integer(from.template value<std::int32_t>(row));
      case arrow::Type::INT64:
        return integer(from.template value<std::int64_t>(row));
      case arrow::Type::UINT64:
        append_written(out_, false,
                       [&](char* to) { return write_unsigned(to, from.template value<std::uint64_t>(row)); });
        return true;
      case arrow::Type::FLOAT: {
        const auto value = from.template value<float>(row);
        if (!std::isfinite(value)) return misfit_of(from, row);
        append_written(out_, false, [&](char* to) { return write_float(to, value); });
        return true;
      }
      case arrow::Type::DOUBLE: {
        const auto value = from.template value<double>(row);
        if (!std::isfinite(value)) return misfit_of(from, row);
        append_written(out_, false, [&](char* to) { return write_double(to, value); });
        return true;
      }
      case arrow::Type::STRING:
        if (from.json) return write_json(static_cast<const arrow::StringArray&>(*from.array).GetView(row)), true;
        append_quoted(out_, static_cast<const arrow::StringArray&>(*from.array).GetView(row));
        return true;
      default:
        return write_rarer(from, row);
    }
  }

  std::string misfit_column;
  std::string misfit_value;
  std::uint64_t set_null = 0;

 private:
  bool integer(std::int64_t value) {
    append_written(out_, false, [&](char* to) { return write_integer(to, value); });
    return true;
  }

  bool misfit_of(const Node& from, std::int64_t row) {
    if (null_for_misfits_) {
      ++set_null;
      append_plain(out_, "null");
      return true;
    }
    misfit_column = from.name;
    misfit_value.clear();
    append_value(misfit_value, *from.array, row);
    return false;
  }

  bool write_rarer(const Node& from, std::int64_t row) {
    switch (from.id) {
      case arrow::Type::DATE32:
        append_written(out_, true, [&](char* to) { return write_date(to, from.template value<std::int32_t>(row)); });
        return true;
      case arrow::Type::TIME64:
        append_written(out_, true, [&](char* to) { return write_time(to, from.template value<std::int64_t>(row)); });
        return true;
      case arrow::Type::TIMESTAMP:
        append_written(out_, true,
                       [&](char* to) { return write_moment(to, from.template value<std::int64_t>(row), from.zoned); });
        return true;
      case arrow::Type::DECIMAL128:
        append_written(out_, false, [&](char* to) {
          int128 unscaled = 0;
          std::memcpy(&unscaled, static_cast<const char*>(from.values) + row * 16, 16);
          return write_decimal(to, unscaled, from.scale);
        });
        return true;
      case arrow::Type::BINARY:
        append_hex(out_, static_cast<const arrow::BinaryArray&>(*from.array).GetView(row));
        return true;
      case arrow::Type::DECIMAL256: {
        std::string text;
        append_value(text, *from.array, row);
        append_plain(out_, text);
        return true;
      }
      case arrow::Type::LIST:
        return from.map ? write_map(from, row) : write_list(from, row);
      case arrow::Type::STRUCT:
        return write_fields(from.children, row);
      default: {
        std::string text;
        append_value(text, *from.array, row);
        append_quoted(out_, text);
        return true;
      }
    }
  }

  // A line break inside of it is white space, which must not end the record.
  void write_json(std::string_view text) {
    auto* const to = out_.room(static_cast<std::int64_t>(text.size()));
    std::memcpy(to, text.data(), text.size());
    if (std::memchr(to, '\n', text.size()) != nullptr)
      std::replace(to, to + text.size(), std::uint8_t{'\n'}, std::uint8_t{' '});
    out_.advance_to(to + text.size());
  }

  bool write_map(const Node& from, std::int64_t row) {
    const auto& list = static_cast<const arrow::ListArray&>(*from.array);
    const auto& keys = from.children[0].children[0];
    const auto& values = from.children[0].children[1];
    append_plain(out_, "{");
    for (auto i = list.value_offset(row); i < list.value_offset(row + 1); ++i) {
      if (i > list.value_offset(row)) append_plain(out_, ",");
      append_quoted(out_, static_cast<const arrow::StringArray&>(*keys.array).GetView(i));
      append_plain(out_, ":");
      if (!write(values, i)) return false;
    }
    append_plain(out_, "}");
    return true;
  }

  bool write_list(const Node& from, std::int64_t row) {
    const auto& list = static_cast<const arrow::ListArray&>(*from.array);
    append_plain(out_, "[");
    const auto end = list.value_offset(row + 1);
    for (auto i = list.value_offset(row); i < end; ++i) {
      if (i > list.value_offset(row)) append_plain(out_, ",");
      if (!write(from.children[0], i)) return false;
    }
    append_plain(out_, "]");
    return true;
  }

 public:
  bool write_fields(const std::vector<Node>& fields, std::int64_t row) {
    append_plain(out_, "{");
    bool first = true;
    for (const auto& field : fields) {
      append_padded(out_, field.key.data() + (first ? 1 : 0), field.key_size - (first ? 1 : 0));
      first = false;
      if (!write(field, row)) return false;
    }
    append_plain(out_, "}");
    return true;
  }

 private:
  growing_bytes& out_;
  bool null_for_misfits_;
};

template <class Node>
Node make_node(const std::string& name, const arrow::DataType& type) {
  Node made;
  made.key = ",";
  append_json_text(made.key, name);
  made.key += ':';
  made.key_size = made.key.size();
  made.key.append(16, ' ');
  made.name = name;
  made.id = type.id();
  made.json = is_json_type(type);
  made.map = is_map_type(type) && map_key_type(type)->id() == arrow::Type::STRING;
  if (made.id == arrow::Type::DECIMAL128) made.scale = static_cast<const arrow::DecimalType&>(type).scale();
  if (made.id == arrow::Type::TIMESTAMP)
    made.zoned = !static_cast<const arrow::TimestampType&>(type).timezone().empty();
  for (const auto& field : type.fields()) made.children.push_back(make_node<Node>(field->name(), *field->type()));
  return made;
}

template <class Node>
void point_at(Node& into, const arrow::Array& array) {
  into.array = &array;
  into.validity = array.null_bitmap_data();
  into.offset = array.offset();
  const auto& data = *array.data();
  into.values = nullptr;
  if (data.buffers.size() == 2 && data.buffers[1]) {
    const auto* bytes = data.buffers[1]->data();
    // Booleans are bits: their offset is added when they are read.
    into.values = into.id == arrow::Type::BOOL
                      ? bytes
                      : bytes + array.offset() * (array.type()->byte_width() > 0 ? array.type()->byte_width() : 0);
  }
  if (into.id == arrow::Type::LIST) {
    point_at(into.children[0], *static_cast<const arrow::ListArray&>(array).values());
  } else if (into.id == arrow::Type::STRUCT) {
    const auto& structure = static_cast<const arrow::StructArray&>(array);
    // field(i) is sliced as the struct is.
    for (std::size_t i = 0; i < into.children.size(); ++i)
      point_at(into.children[i], *structure.field(static_cast<int>(i)));
  }
}

}  // namespace

record_writer::record_writer(const arrow::Schema& schema, bool null_for_misfits) : null_for_misfits_(null_for_misfits) {
  for (const auto& field : schema.fields()) nodes_.push_back(make_node<node>(field->name(), *field->type()));
}

record_writer::~record_writer() = default;

void record_writer::start(const arrow::RecordBatch& rows) {
  rows_ = rows.num_rows();
  for (std::size_t i = 0; i < nodes_.size(); ++i) point_at(nodes_[i], *rows.column(static_cast<int>(i)));
}

std::int64_t record_writer::write(std::int64_t row, std::int64_t enough, growing_bytes& out, row_errors& refused) {
  value_writer<node> writer(out, null_for_misfits_);
  for (; row < rows_ && out.size() < enough; ++row) {
    const auto begin = out.size();
    if (writer.write_fields(nodes_, row)) {
      append_plain(out, "\n");
      continue;
    }
    out.truncate(begin);
    refused.push_back({.row = row,
                       .code = "not_representable",
                       .column = writer.misfit_column,
                       .message = "JSON has no representation of " + writer.misfit_value});
  }
  set_null_ += writer.set_null;
  return row;
}

}  // namespace sluice::ndjson
