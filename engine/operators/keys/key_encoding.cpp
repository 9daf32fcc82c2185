#include "engine/operators/keys/key_encoding.hpp"

#include "engine/operators/keys/key_hash.hpp"
#include "engine/values/calendar.hpp"
#include "engine/values/intervals.hpp"
#include "engine/values/time_units.hpp"

#include <arrow/array.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_dict.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>

namespace sluice::flow {

namespace {

using arrow::Type;

// The widest payload of a value whose width does not depend on it: a tag, a scale and 32 bytes.
constexpr std::int64_t widest_fixed = 34;

enum tag : std::uint8_t {
  tag_null = 0x00,
  tag_boolean = 0x01,
  tag_integer = 0x02,
  tag_large_integer = 0x03,
  tag_double = 0x04,
  tag_decimal = 0x05,
  tag_wide_decimal = 0x06,
  tag_text = 0x07,
  tag_binary = 0x08,
  tag_date = 0x09,
  tag_time = 0x0a,
  tag_timestamp = 0x0b,
  tag_timestamptz = 0x0c,
  tag_interval = 0x0d,
  tag_duration = 0x0e,
};

char* put64(char* out, std::uint8_t kind, std::uint64_t bits) {
  *out = static_cast<char>(kind);
  std::memcpy(out + 1, &bits, sizeof bits);
  return out + 9;
}

char* put_double(char* out, double value) {
  if (value == 0.0) value = 0.0;  // -0
  const auto bits = std::isnan(value) ? 0x7ff8000000000000ULL : std::bit_cast<std::uint64_t>(value);
  return put64(out, tag_double, bits);
}

char* put_bytes(char* out, std::uint8_t kind, std::string_view bytes) {
  *out = static_cast<char>(kind);
  const auto length = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(out + 1, &length, sizeof length);
  std::memcpy(out + 5, bytes.data(), bytes.size());
  return out + 5 + bytes.size();
}

template <class Decimal>
char* put_decimal(char* out, Decimal value, std::int32_t scale) {
  if (value == Decimal(0)) {
    scale = 0;
  } else {
    const Decimal ten(10);
    while (true) {
      const auto divided = value.Divide(ten).ValueOrDie();
      if (divided.second != Decimal(0)) break;
      value = divided.first;
      --scale;
    }
  }
  if constexpr (std::is_same_v<Decimal, arrow::Decimal256>) {
    const auto words = value.little_endian_array();
    const auto sign = static_cast<std::uint64_t>(static_cast<std::int64_t>(words[1]) >> 63);
    const bool narrow = words[2] == sign && words[3] == sign;
    *out++ = static_cast<char>(narrow ? tag_decimal : tag_wide_decimal);
    *out++ = static_cast<char>(scale);
    std::memcpy(out, words.data(), narrow ? 16 : 32);
    return out + (narrow ? 16 : 32);
  } else {
    *out++ = static_cast<char>(tag_decimal);
    *out++ = static_cast<char>(scale);
    const std::uint64_t words[2] = {value.low_bits(), static_cast<std::uint64_t>(value.high_bits())};
    std::memcpy(out, words, 16);
    return out + 16;
  }
}

std::int64_t to_nanoseconds(std::int64_t value, arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return value * 1'000'000'000;
    case arrow::TimeUnit::MILLI:
      return value * 1'000'000;
    case arrow::TimeUnit::MICRO:
      return value * 1'000;
    case arrow::TimeUnit::NANO:
      return value;
  }
  return value;
}

// Calls `each` with a writer of values: `put(out, value)` appends one.
template <class ArrayType, class Each, class Put>
status each_value(const arrow::Array& column, Each&& each, Put put) {
  const auto& values = static_cast<const ArrayType&>(column);
  each([&values, put](std::int64_t row, char* out) {
    if constexpr (requires { values.GetView(row); })
      return put(out, values.GetView(row));
    else
      return put(out, values.GetValue(row));
  });
  return {};
}

template <class ArrayType, class Each>
status each_integer(const arrow::Array& column, Each&& each) {
  return each_value<ArrayType>(column, each, [](char* out, auto value) {
    return put64(out, tag_integer, static_cast<std::uint64_t>(static_cast<std::int64_t>(value)));
  });
}

template <class ArrayType, class Each>
status each_text(const arrow::Array& column, std::uint8_t kind, Each&& each) {
  return each_value<ArrayType>(column, each,
                               [kind](char* out, std::string_view value) { return put_bytes(out, kind, value); });
}

// Times of day and durations.
template <class ArrayType, class Each>
status each_span(const arrow::Array& column, std::uint8_t kind, arrow::TimeUnit::type unit, Each&& each) {
  return each_value<ArrayType>(column, each, [kind, unit](char* out, auto value) {
    return put64(out, kind, static_cast<std::uint64_t>(to_nanoseconds(value, unit)));
  });
}

template <class Each>
status with_number_writer(const arrow::Array& column, Each&& each) {
  const auto floating = [](char* out, double value) { return put_double(out, value); };
  switch (column.type_id()) {
    case Type::BOOL:
      return each_value<arrow::BooleanArray>(column, each, [](char* out, bool value) {
        out[0] = tag_boolean;
        out[1] = value ? 1 : 0;
        return out + 2;
      });
    case Type::INT8:
      return each_integer<arrow::Int8Array>(column, each);
    case Type::INT16:
      return each_integer<arrow::Int16Array>(column, each);
    case Type::INT32:
      return each_integer<arrow::Int32Array>(column, each);
    case Type::INT64:
      return each_integer<arrow::Int64Array>(column, each);
    case Type::UINT8:
      return each_integer<arrow::UInt8Array>(column, each);
    case Type::UINT16:
      return each_integer<arrow::UInt16Array>(column, each);
    case Type::UINT32:
      return each_integer<arrow::UInt32Array>(column, each);
    case Type::UINT64:
      return each_value<arrow::UInt64Array>(column, each, [](char* out, std::uint64_t value) {
        return put64(out, value >> 63 ? tag_large_integer : tag_integer, value);
      });
    case Type::FLOAT:
      return each_value<arrow::FloatArray>(column, each, floating);
    case Type::DOUBLE:
      return each_value<arrow::DoubleArray>(column, each, floating);
    default:
      return check_key_type(*column.type(), "");
  }
}

template <class Each>
status with_time_writer(const arrow::Array& column, Each&& each) {
  const auto& type = *column.type();
  switch (type.id()) {
    case Type::DATE32:
      return each_value<arrow::Date32Array>(column, each, [](char* out, std::int64_t days) {
        return put64(out, tag_date, static_cast<std::uint64_t>(days));
      });
    case Type::DATE64:
      return each_value<arrow::Date64Array>(column, each, [](char* out, std::int64_t milliseconds) {
        return put64(out, tag_date, static_cast<std::uint64_t>(floor_div(milliseconds, 86'400'000)));
      });
    case Type::TIME32:
      return each_span<arrow::Time32Array>(column, tag_time, static_cast<const arrow::TimeType&>(type).unit(), each);
    case Type::TIME64:
      return each_span<arrow::Time64Array>(column, tag_time, static_cast<const arrow::TimeType&>(type).unit(), each);
    case Type::DURATION:
      return each_span<arrow::DurationArray>(column, tag_duration, static_cast<const arrow::DurationType&>(type).unit(),
                                             each);
    case Type::TIMESTAMP: {
      const auto& of = static_cast<const arrow::TimestampType&>(type);
      const auto kind = of.timezone().empty() ? tag_timestamp : tag_timestamptz;
      return each_value<arrow::TimestampArray>(column, each, [kind, unit = of.unit()](char* out, std::int64_t value) {
        return put64(out, kind, static_cast<std::uint64_t>(to_microseconds(value, unit)));
      });
    }
    case Type::INTERVAL_MONTH_DAY_NANO:
      return each_value<arrow::MonthDayNanoIntervalArray>(column, each, [](char* out, const interval& written) {
        const auto value = canonical_interval(written);
        *out++ = tag_interval;
        std::memcpy(out, &value.months, 4);
        std::memcpy(out + 4, &value.days, 4);
        std::memcpy(out + 8, &value.nanoseconds, 8);
        return out + 16;
      });
    default:
      return with_number_writer(column, each);
  }
}

// Calls `each(write)`, where write(row, out) appends the value of a row that is not null and returns its new end.
template <class Each>
status with_writer(const arrow::Array& column, Each&& each) {
  switch (column.type_id()) {
    case Type::DECIMAL128:
    case Type::DECIMAL256: {
      const auto scale = static_cast<const arrow::DecimalType&>(*column.type()).scale();
      const auto& values = static_cast<const arrow::FixedSizeBinaryArray&>(column);
      if (column.type_id() == Type::DECIMAL128)
        each([&values, scale](std::int64_t row, char* out) {
          return put_decimal(out, arrow::Decimal128(values.GetValue(row)), scale);
        });
      else
        each([&values, scale](std::int64_t row, char* out) {
          return put_decimal(out, arrow::Decimal256(values.GetValue(row)), scale);
        });
      return {};
    }
    case Type::STRING:
      return each_text<arrow::StringArray>(column, tag_text, each);
    case Type::LARGE_STRING:
      return each_text<arrow::LargeStringArray>(column, tag_text, each);
    case Type::BINARY:
      return each_text<arrow::BinaryArray>(column, tag_binary, each);
    case Type::LARGE_BINARY:
      return each_text<arrow::LargeBinaryArray>(column, tag_binary, each);
    case Type::FIXED_SIZE_BINARY:
      return each_text<arrow::FixedSizeBinaryArray>(column, tag_binary, each);
    case Type::NA:
      each([](std::int64_t, char* out) { return out; });
      return {};
    default:
      return with_time_writer(column, each);
  }
}

// Bytes that row `row` may need for this column.
std::int64_t room_for(const arrow::Array& column, std::int64_t row) {
  switch (column.type_id()) {
    case Type::STRING:
    case Type::BINARY:
      return 5 + static_cast<const arrow::BinaryArray&>(column).value_length(row);
    case Type::LARGE_STRING:
    case Type::LARGE_BINARY:
      return 5 + static_cast<const arrow::LargeBinaryArray&>(column).value_length(row);
    case Type::FIXED_SIZE_BINARY:
      return 5 + static_cast<const arrow::FixedSizeBinaryArray&>(column).byte_width();
    default:
      return widest_fixed;
  }
}

bool is_null(const arrow::Array& column, std::int64_t row) {
  return column.type_id() == Type::NA || column.IsNull(row);
}

}  // namespace

result<std::shared_ptr<arrow::Array>> decoded_key(const std::shared_ptr<arrow::Array>& column) {
  if (column->type_id() == Type::EXTENSION)
    return decoded_key(static_cast<const arrow::ExtensionArray&>(*column).storage());
  if (column->type_id() != Type::DICTIONARY) return column;
  const auto& type = static_cast<const arrow::DictionaryType&>(*column->type());
  SLUICE_ASSIGN_ARROW(auto plain, arrow::compute::Cast(*column, type.value_type()), "decode a dictionary");
  return plain;
}

status block_encoder::encode(const std::vector<std::shared_ptr<arrow::Array>>& columns, std::int64_t begin,
                             std::int64_t rows) {
  starts_.resize(rows);
  ends_.resize(rows);
  std::int64_t room = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    starts_[row] = room;
    for (const auto& column : columns) room += room_for(*column, begin + row);
  }
  if (static_cast<std::int64_t>(bytes_.size()) < room) bytes_.resize(room);
  for (std::int64_t row = 0; row < rows; ++row) ends_[row] = bytes_.data() + starts_[row];
  for (const auto& column : columns) {
    SLUICE_TRY(with_writer(*column, [&](auto&& write) {
      for (std::int64_t row = 0; row < rows; ++row) {
        if (is_null(*column, begin + row)) {
          *ends_[row]++ = tag_null;
        } else {
          ends_[row] = write(begin + row, ends_[row]);
        }
      }
    }));
  }
  return {};
}

}  // namespace sluice::flow
