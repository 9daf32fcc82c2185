#include "engine/values/value_text.hpp"

#include "engine/values/calendar.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/time_units.hpp"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <charconv>
#include <cmath>
#include <cstring>

namespace sluice {

namespace {

__extension__ typedef unsigned __int128 uint128;

char* two_digits(char* out, int value) {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
  return out + 2;
}

// PostgreSQL's layout of the shortest digits: plain from 1e-4 to below 1e15 (1e6 for a real), else with an exponent.
template <class Float>
char* write_floating(char* out, Float value, int plain_below) {
  if (std::isnan(value)) return std::strcpy(out, "NaN") + 3;
  if (std::isinf(value)) {
    const char* name = value < 0 ? "-Infinity" : "Infinity";
    return std::strcpy(out, name) + std::strlen(name);
  }
  if (value == 0) {
    if (std::signbit(value)) *out++ = '-';
    *out++ = '0';
    return out;
  }
  const auto magnitude = std::fabs(value);
  const auto form = magnitude >= Float(1e-4) && magnitude < static_cast<Float>(plain_below == 15 ? 1e15 : 1e6)
                        ? std::chars_format::fixed
                        : std::chars_format::scientific;
  return std::to_chars(out, out + longest_value, value, form).ptr;
}

// Decimals of up to 76 digits come as their digits without a point; a scale below 0 stands for zeros behind them.
void append_scaled(std::string& out, std::string digits, int scale) {
  if (scale < 0) {
    if (digits != "0") digits.append(static_cast<std::size_t>(-scale), '0');
    scale = 0;
  }
  if (digits[0] == '-') {
    out += '-';
    digits.erase(0, 1);
  }
  if (static_cast<int>(digits.size()) <= scale)
    digits.insert(0, static_cast<std::size_t>(scale) + 1 - digits.size(), '0');
  out.append(digits, 0, digits.size() - static_cast<std::size_t>(scale));
  if (scale > 0) out.append(1, '.').append(digits, digits.size() - static_cast<std::size_t>(scale));
}

void append_hex(std::string& out, std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  out += "\\x";
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
}

// A value inside a list or struct: JSON, where numbers and booleans stand bare.
void append_nested(std::string& out, const arrow::Array& column, std::int64_t row) {
  if (column.IsNull(row)) {
    out += "null";
    return;
  }
  std::string text;
  append_value(text, column, row);
  const auto id = column.type_id();
  const bool bare = is_json_type(*column.type()) || id == arrow::Type::BOOL || arrow::is_integer(id) ||
                    arrow::is_decimal(id) || arrow::is_nested(id) ||
                    (arrow::is_floating(id) && text.find_first_of("Iy") == std::string::npos && text != "NaN");
  if (bare)
    out += text;
  else
    append_json_text(out, text);
}

void append_list(std::string& out, const arrow::Array& values, std::int64_t begin, std::int64_t length) {
  out += '[';
  for (std::int64_t i = begin; i < begin + length; ++i) {
    if (i > begin) out += ',';
    append_nested(out, values, i);
  }
  out += ']';
}

void append_struct(std::string& out, const arrow::StructArray& column, std::int64_t row) {
  out += '{';
  for (int i = 0; i < column.num_fields(); ++i) {
    if (i > 0) out += ',';
    append_json_text(out, column.type()->field(i)->name());
    out += ':';
    append_nested(out, *column.field(i), row);
  }
  out += '}';
}

template <class Array>
const Array& as(const arrow::Array& column) {
  return static_cast<const Array&>(column);
}

}  // namespace

char* write_double(char* out, double value) { return write_floating(out, value, 15); }
char* write_float(char* out, float value) { return write_floating(out, value, 6); }
char* write_integer(char* out, std::int64_t value) { return std::to_chars(out, out + longest_value, value).ptr; }
char* write_unsigned(char* out, std::uint64_t value) { return std::to_chars(out, out + longest_value, value).ptr; }

char* write_date(char* out, std::int32_t days) {
  const auto date = civil_from_days(days);
  const auto year = date.year > 0 ? date.year : 1 - date.year;
  if (year < 10'000) {
    out = two_digits(out, static_cast<int>(year / 100));
    out = two_digits(out, static_cast<int>(year % 100));
  } else {
    out = write_integer(out, year);
  }
  *out++ = '-';
  out = two_digits(out, date.month);
  *out++ = '-';
  out = two_digits(out, date.day);
  if (date.year > 0) return out;
  std::memcpy(out, " BC", 3);
  return out + 3;
}

char* write_time(char* out, std::int64_t microseconds) {
  const auto seconds = static_cast<int>(microseconds / microseconds_per_second);
  out = two_digits(out, seconds / 3600);
  *out++ = ':';
  out = two_digits(out, seconds / 60 % 60);
  *out++ = ':';
  out = two_digits(out, seconds % 60);
  auto fraction = static_cast<int>(microseconds % microseconds_per_second);
  if (fraction == 0) return out;
  *out++ = '.';
  for (int place = 100'000; fraction > 0; place /= 10) {
    *out++ = static_cast<char>('0' + fraction / place);
    fraction %= place;
  }
  return out;
}

char* write_timestamp(char* out, std::int64_t microseconds, bool with_zone) {
  const auto days = floor_div(microseconds, microseconds_per_day);
  char date[longest_value];
  const auto date_length = static_cast<std::size_t>(write_date(date, static_cast<std::int32_t>(days)) - date);
  const bool before_christ = date[date_length - 1] == 'C';
  const auto plain_length = date_length - (before_christ ? 3 : 0);
  std::memcpy(out, date, plain_length);
  out += plain_length;
  *out++ = ' ';
  out = write_time(out, microseconds - days * microseconds_per_day);
  if (with_zone) {
    std::memcpy(out, "+00", 3);
    out += 3;
  }
  if (before_christ) {
    std::memcpy(out, " BC", 3);
    out += 3;
  }
  return out;
}

char* write_decimal(char* out, int128 unscaled, int scale) {
  char digits[48];
  char* first = digits + sizeof digits;
  auto rest = unscaled < 0 ? -static_cast<uint128>(unscaled) : static_cast<uint128>(unscaled);
  int count = 0;
  // 64-bit division is an order of magnitude cheaper than that of 128 bits.
  while (rest > UINT64_MAX) {
    auto low = static_cast<std::uint64_t>(rest % 1'000'000'000'000'000'000U);
    rest /= 1'000'000'000'000'000'000U;
    for (int i = 0; i < 18; ++i, ++count, low /= 10) *--first = static_cast<char>('0' + low % 10);
  }
  for (auto low = static_cast<std::uint64_t>(rest); low != 0 || count <= scale; low /= 10, ++count) {
    if (low == 0 && count > scale) break;
    *--first = static_cast<char>('0' + low % 10);
  }
  if (unscaled < 0) *out++ = '-';
  const auto whole = static_cast<std::size_t>(count - scale);
  std::memcpy(out, first, whole);
  out += whole;
  if (scale == 0) return out;
  *out++ = '.';
  std::memcpy(out, first + whole, static_cast<std::size_t>(scale));
  return out + scale;
}

void append_interval(std::string& out, std::int32_t months, std::int32_t days, std::int64_t nanoseconds) {
  const auto begin = out.size();
  bool negative = false;  // the part before: a positive one behind it gets its sign
  const auto part = [&](std::int64_t count, const char* name) {
    if (count == 0) return;
    if (out.size() > begin) out += ' ';
    if (negative && count > 0) out += '+';
    negative = count < 0;
    out += std::to_string(count) + ' ' + name + (count == 1 ? "" : "s");
  };
  part(months / 12, "year");
  part(months % 12, "mon");
  part(days, "day");
  if (nanoseconds == 0 && out.size() > begin) return;
  if (out.size() > begin) out += ' ';
  if (nanoseconds < 0 || negative) out += nanoseconds < 0 ? '-' : '+';
  const auto magnitude =
      nanoseconds < 0 ? -static_cast<std::uint64_t>(nanoseconds) : static_cast<std::uint64_t>(nanoseconds);
  const auto microseconds = static_cast<std::int64_t>(magnitude / 1000);
  const auto hours = microseconds / (3600 * microseconds_per_second);
  char text[longest_value];
  char* end = write_time(text, microseconds % (3600 * microseconds_per_second));
  if (hours < 10) out += '0';
  out += std::to_string(hours);
  out.append(text + 2, end);
}

void append_json_text(std::string& out, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20)
          (out += "\\u00") += {digits[static_cast<unsigned char>(c) >> 4], digits[static_cast<unsigned char>(c) & 15]};
        else
          out += c;
    }
  }
  out += '"';
}

namespace {

// Writes a number; null where the column holds none, or one that takes more than longest_value bytes.
char* write_number(char* out, const arrow::Array& column, std::int64_t row) {
  switch (column.type_id()) {
    case arrow::Type::INT8:
      return write_integer(out, as<arrow::Int8Array>(column).Value(row));
    case arrow::Type::INT16:
      return write_integer(out, as<arrow::Int16Array>(column).Value(row));
    case arrow::Type::INT32:
      return write_integer(out, as<arrow::Int32Array>(column).Value(row));
    case arrow::Type::INT64:
      return write_integer(out, as<arrow::Int64Array>(column).Value(row));
    case arrow::Type::UINT8:
      return write_unsigned(out, as<arrow::UInt8Array>(column).Value(row));
    case arrow::Type::UINT16:
      return write_unsigned(out, as<arrow::UInt16Array>(column).Value(row));
    case arrow::Type::UINT32:
      return write_unsigned(out, as<arrow::UInt32Array>(column).Value(row));
    case arrow::Type::UINT64:
      return write_unsigned(out, as<arrow::UInt64Array>(column).Value(row));
    case arrow::Type::FLOAT:
      return write_float(out, as<arrow::FloatArray>(column).Value(row));
    case arrow::Type::DOUBLE:
      return write_double(out, as<arrow::DoubleArray>(column).Value(row));
    case arrow::Type::DECIMAL128: {
      const int scale = static_cast<const arrow::DecimalType&>(*column.type()).scale();
      if (scale < 0) return nullptr;
      int128 unscaled;
      std::memcpy(&unscaled, as<arrow::Decimal128Array>(column).GetValue(row), sizeof unscaled);
      return write_decimal(out, unscaled, scale);
    }
    default:
      return nullptr;
  }
}

// Writes a date, time or timestamp; null where the column holds none.
char* write_moment(char* out, const arrow::Array& column, std::int64_t row) {
  switch (column.type_id()) {
    case arrow::Type::DATE32:
      return write_date(out, as<arrow::Date32Array>(column).Value(row));
    case arrow::Type::TIME64:
      return write_time(out, to_microseconds(as<arrow::Time64Array>(column).Value(row),
                                             static_cast<const arrow::TimeType&>(*column.type()).unit()));
    case arrow::Type::TIMESTAMP: {
      const auto& type = static_cast<const arrow::TimestampType&>(*column.type());
      return write_timestamp(out, to_microseconds(as<arrow::TimestampArray>(column).Value(row), type.unit()),
                             !type.timezone().empty());
    }
    default:
      return nullptr;
  }
}

}  // namespace

void append_value(std::string& out, const arrow::Array& column, std::int64_t row) {
  if (column.IsNull(row)) return;
  char text[longest_value];
  char* end = write_number(text, column, row);
  if (end == nullptr) end = write_moment(text, column, row);
  if (end != nullptr) {
    out.append(text, end);
    return;
  }
  switch (column.type_id()) {
    case arrow::Type::BOOL:
      out += as<arrow::BooleanArray>(column).Value(row) ? "true" : "false";
      return;
    case arrow::Type::DECIMAL128:
      append_scaled(out, arrow::Decimal128(as<arrow::Decimal128Array>(column).GetValue(row)).ToIntegerString(),
                    static_cast<const arrow::DecimalType&>(*column.type()).scale());
      return;
    case arrow::Type::DECIMAL256:
      append_scaled(out, arrow::Decimal256(as<arrow::Decimal256Array>(column).GetValue(row)).ToIntegerString(),
                    static_cast<const arrow::DecimalType&>(*column.type()).scale());
      return;
    case arrow::Type::STRING:
      out += as<arrow::StringArray>(column).GetView(row);
      return;
    case arrow::Type::LARGE_STRING:
      out += as<arrow::LargeStringArray>(column).GetView(row);
      return;
    case arrow::Type::BINARY:
      append_hex(out, as<arrow::BinaryArray>(column).GetView(row));
      return;
    case arrow::Type::LARGE_BINARY:
      append_hex(out, as<arrow::LargeBinaryArray>(column).GetView(row));
      return;
    case arrow::Type::FIXED_SIZE_BINARY:
      append_hex(out, as<arrow::FixedSizeBinaryArray>(column).GetView(row));
      return;
    case arrow::Type::INTERVAL_MONTH_DAY_NANO: {
      const auto value = as<arrow::MonthDayNanoIntervalArray>(column).GetValue(row);
      append_interval(out, value.months, value.days, value.nanoseconds);
      return;
    }
    case arrow::Type::LIST: {
      const auto& list = as<arrow::ListArray>(column);
      append_list(out, *list.values(), list.value_offset(row), list.value_length(row));
      return;
    }
    case arrow::Type::STRUCT:
      append_struct(out, as<arrow::StructArray>(column), row);
      return;
    case arrow::Type::DICTIONARY: {
      const auto& coded = as<arrow::DictionaryArray>(column);
      append_value(out, *coded.dictionary(), coded.GetValueIndex(row));
      return;
    }
    default:
      if (const auto scalar = column.GetScalar(row); scalar.ok()) out += (*scalar)->ToString();
  }
}

std::string value_text(const arrow::Array& column, std::int64_t row) {
  std::string text;
  append_value(text, column, row);
  return text;
}

}  // namespace sluice
