#include "engine/clients/postgres/row_encoder.hpp"

#include "engine/clients/postgres/numeric.hpp"
#include "engine/clients/postgres/uuid_text.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace sluice::postgres {

namespace {

/// Why a value has no place in the column; null: it has.
struct misfit_value {
  const char* code = nullptr;
  const char* expected = nullptr;
};
constexpr misfit_value fits{};

constexpr std::int64_t microseconds_of_1970 =
    946'684'800'000'000;  ///< before 2000-01-01, where the server's times begin
constexpr std::int32_t days_of_1970 = 10'957;
// The server's ranges: 4713 BC to 5874897 (date) and 294276 (timestamp); src/include/datatype/timestamp.h.
constexpr std::int32_t first_day = -2'451'545;
constexpr std::int32_t end_of_days = 2'145'031'949;
constexpr std::int64_t first_time = -211'813'488'000'000'000;
constexpr std::int64_t end_of_times = 9'223'371'331'200'000'000;

}  // namespace

struct row_encoder::slot {
  using function = misfit_value (*)(slot&, byte_buffer&, std::int64_t);

  std::string name;
  std::string type;
  bool required = false;
  bool key = false;
  form what = form::other;
  int longest = 0;        ///< characters; 0: any
  int precision = 0;      ///< of a numeric that has one; 0: any
  int scale = 0;          ///< its places; with `precision` 0 not used
  int own_scale = 0;      ///< of a decimal of ours
  bool has_room = false;  ///< the column takes every value of that decimal
  std::int64_t step = 1;  ///< of times: 10^(6 - places)
  std::uint32_t oid = 0;
  function put = nullptr;
  std::unique_ptr<slot> element = nullptr;
  const arrow::Array* values = nullptr;
  std::string text = {};  ///< of a value that has to be made into one

  template <class Array>
  [[nodiscard]] const Array& as() const {
    return static_cast<const Array&>(*values);
  }
};

namespace {

using slot = row_encoder::slot;

misfit_value put_whole(slot& in, byte_buffer& out, int128 value) {
  const auto within = [&](std::int64_t least, std::int64_t most) { return value >= least && value <= most; };
  constexpr misfit_value overflow{"numeric_overflow", nullptr};
  out.reserve(12);
  switch (in.what) {
    case form::int2:
      if (!within(std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max())) return overflow;
      out.put32(2);
      out.put16(static_cast<std::uint16_t>(value));
      return fits;
    case form::int4:
      if (!within(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max())) return overflow;
      out.put32(4);
      out.put32(static_cast<std::uint32_t>(value));
      return fits;
    default:
      if (!within(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max())) return overflow;
      out.put32(8);
      out.put64(static_cast<std::uint64_t>(value));
      return fits;
  }
}

template <class Number, class Bits>
void put_float(byte_buffer& out, Number value) {
  Bits bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  out.reserve(12);
  out.put32(sizeof bits);
  if constexpr (sizeof bits == 4)
    out.put32(bits);
  else
    out.put64(bits);
}

misfit_value boolean(slot& in, byte_buffer& out, std::int64_t row) {
  out.reserve(5);
  out.put32(1);
  out.put8(in.as<arrow::BooleanArray>().Value(row) ? '\1' : '\0');
  return fits;
}

template <class Array>
misfit_value whole(slot& in, byte_buffer& out, std::int64_t row) {
  return put_whole(in, out, in.as<Array>().Value(row));
}

template <class Array>
misfit_value whole_to_float(slot& in, byte_buffer& out, std::int64_t row) {
  if (in.what == form::float4)
    put_float<float, std::uint32_t>(out, static_cast<float>(in.as<Array>().Value(row)));
  else
    put_float<double, std::uint64_t>(out, static_cast<double>(in.as<Array>().Value(row)));
  return fits;
}

template <class Array>
misfit_value real(slot& in, byte_buffer& out, std::int64_t row) {
  if constexpr (std::is_same_v<Array, arrow::FloatArray>) {
    if (in.what == form::float4) {
      put_float<float, std::uint32_t>(out, in.as<Array>().Value(row));
      return fits;
    }
  }
  put_float<double, std::uint64_t>(out, static_cast<double>(in.as<Array>().Value(row)));
  return fits;
}

/// Digits, a sign before them, of a value with `own_scale` places, into a numeric(p,s): exactly or not at all.
misfit_value put_digits(slot& in, byte_buffer& out, std::string_view digits) {
  int places = in.own_scale;
  if (in.precision > 0) {
    const bool minus = digits.starts_with('-');
    while (places > in.scale && digits.size() > (minus ? 2U : 1U) && digits.back() == '0') {
      digits.remove_suffix(1);
      --places;
    }
    if (digits == "0" || digits == "-0") places = std::min(places, in.scale);
    if (places > in.scale) return {"not_representable", "no more decimal places"};
    const auto whole = static_cast<int>(digits.size()) - (minus ? 1 : 0) - places;
    if (whole > in.precision - in.scale && digits != "0") return {"numeric_overflow", nullptr};
  }
  put_numeric(out, digits, places);
  return fits;
}

template <class Array>
misfit_value whole_to_numeric(slot& in, byte_buffer& out, std::int64_t row) {
  const auto value = in.as<Array>().Value(row);
  if (in.precision == 0 && value <= static_cast<decltype(value)>(std::numeric_limits<std::int32_t>::max())) {
    put_numeric(out, static_cast<std::int64_t>(value), 0);
    return fits;
  }
  in.text = std::to_string(value);
  return put_digits(in, out, in.text);
}

misfit_value decimal(slot& in, byte_buffer& out, std::int64_t row) {
  const arrow::Decimal128 value(in.as<arrow::Decimal128Array>().GetValue(row));
  const auto high = value.high_bits();
  const auto low = static_cast<std::int64_t>(value.low_bits());
  const bool small = (high == 0 && low >= 0) || (high == -1 && low < 0);
  if (small && in.has_room) {
    put_numeric(out, low, in.own_scale);
    return fits;
  }
  in.text = value.ToIntegerString();
  return put_digits(in, out, in.text);
}

misfit_value wide_decimal(slot& in, byte_buffer& out, std::int64_t row) {
  in.text = arrow::Decimal256(in.as<arrow::Decimal256Array>().GetValue(row)).ToIntegerString();
  return put_digits(in, out, in.text);
}

template <class Array, class Decimal>
misfit_value decimal_to_whole(slot& in, byte_buffer& out, std::int64_t row) {
  in.text = Decimal(in.as<Array>().GetValue(row)).ToIntegerString();
  std::string_view digits = in.text;
  const bool minus = digits.starts_with('-');
  if (minus) digits.remove_prefix(1);
  for (int places = in.own_scale; places > 0; --places) {
    if (digits == "0" || digits.empty()) break;
    if (digits.back() != '0') return {"not_representable", "a whole number"};
    digits.remove_suffix(1);
  }
  constexpr std::size_t longest = 19;
  if (digits.size() > longest) return {"numeric_overflow", nullptr};
  int128 value = 0;
  for (const char digit : digits) value = value * 10 + (digit - '0');
  return put_whole(in, out, minus ? -value : value);
}

misfit_value put_text(slot& in, byte_buffer& out, std::string_view text) {
  if (in.longest > 0 && text.size() > static_cast<std::size_t>(in.longest)) {
    int characters = 0;
    for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0U) != 0x80 ? 1 : 0;
    if (characters > in.longest) return {"value_too_long", nullptr};
  }
  if (text.find('\0') != std::string_view::npos) return {"not_representable", "text without the byte 0"};
  const std::size_t prefix = in.what == form::jsonb ? 1 : 0;
  out.reserve(5 + text.size());
  out.put32(static_cast<std::uint32_t>(text.size() + prefix));
  if (prefix == 1) out.put8('\1');
  out.put_bytes(text);
  return fits;
}

misfit_value plain_text(slot& in, byte_buffer& out, std::int64_t row) {
  return put_text(in, out, in.as<arrow::StringArray>().GetView(row));
}

misfit_value document(slot& in, byte_buffer& out, std::int64_t row) {
  in.text.clear();
  append_value(in.text, *in.values, row);
  return put_text(in, out, in.text);
}

misfit_value uuid(slot& in, byte_buffer& out, std::int64_t row) {
  const auto bytes = parse_uuid(in.as<arrow::StringArray>().GetView(row));
  if (!bytes) return {"invalid_cast", "a uuid such as 0190163d-8694-739b-aea5-966c26f8ad91"};
  out.reserve(20);
  out.put32(16);
  out.put_bytes({bytes->data(), bytes->size()});
  return fits;
}

misfit_value bytes(slot& in, byte_buffer& out, std::int64_t row) {
  const auto value = in.as<arrow::BinaryArray>().GetView(row);
  out.reserve(4 + value.size());
  out.put32(static_cast<std::uint32_t>(value.size()));
  out.put_bytes(value);
  return fits;
}

misfit_value date(slot& in, byte_buffer& out, std::int64_t row) {
  const auto days = std::int64_t{in.as<arrow::Date32Array>().Value(row)} - days_of_1970;
  if (days < first_day || days >= end_of_days) return {"not_representable", "a date from 4713 BC to 5874897"};
  out.reserve(8);
  out.put32(4);
  out.put32(static_cast<std::uint32_t>(static_cast<std::int32_t>(days)));
  return fits;
}

misfit_value put_time(const slot& in, byte_buffer& out, std::int64_t microseconds) {
  if (microseconds % in.step != 0) return {"not_representable", "no more places of seconds"};
  out.reserve(12);
  out.put32(8);
  out.put64(static_cast<std::uint64_t>(microseconds));
  return fits;
}

misfit_value time(slot& in, byte_buffer& out, std::int64_t row) {
  return put_time(in, out, in.as<arrow::Time64Array>().Value(row));
}

misfit_value timestamp(slot& in, byte_buffer& out, std::int64_t row) {
  std::int64_t value = in.as<arrow::TimestampArray>().Value(row);
  if (__builtin_sub_overflow(value, microseconds_of_1970, &value) || value < first_time || value >= end_of_times)
    return {"not_representable", "a time from 4713 BC to 294276"};
  return put_time(in, out, value);
}

misfit_value interval(slot& in, byte_buffer& out, std::int64_t row) {
  const auto value = in.as<arrow::MonthDayNanoIntervalArray>().Value(row);
  if (value.nanoseconds % 1000 != 0) return {"not_representable", "whole microseconds"};
  out.reserve(20);
  out.put32(16);
  out.put64(static_cast<std::uint64_t>(value.nanoseconds / 1000));
  out.put32(static_cast<std::uint32_t>(value.days));
  out.put32(static_cast<std::uint32_t>(value.months));
  return fits;
}

/// array_send: dimensions, flag for nulls, type of elements; length and lower bound of each dimension; the elements.
misfit_value array(slot& in, byte_buffer& out, std::int64_t row) {
  const auto& lists = in.as<arrow::ListArray>();
  const auto begin = lists.value_offset(row);
  const auto count = lists.value_length(row);
  auto& element = *in.element;
  element.values = lists.values().get();
  const auto at = out.size();
  out.reserve(24);
  out.put32(0);
  out.put32(count == 0 ? 0 : 1);
  const auto has_nulls = out.size();
  out.put32(0);
  out.put32(element.oid);
  if (count > 0) {
    out.put32(static_cast<std::uint32_t>(count));
    out.put32(1);
  }
  for (std::int64_t each = begin; each < begin + count; ++each) {
    if (element.values->IsNull(each)) {
      out.put32_at(has_nulls, 1);
      out.reserve(4);
      out.put32(0xFFFFFFFFU);
    } else if (const auto why = element.put(element, out, each); why.code != nullptr) {
      return why;
    }
  }
  out.put32_at(at, static_cast<std::uint32_t>(out.size() - at - 4));
  return fits;
}

template <class Array>
slot::function choose_whole(form to) {
  if (to == form::numeric) return whole_to_numeric<Array>;
  if (to == form::float4 || to == form::float8) return whole_to_float<Array>;
  return whole<Array>;
}

slot::function choose(const arrow::DataType& from, const server_type& to) {
  switch (from.id()) {
    case arrow::Type::BOOL:
      return boolean;
    case arrow::Type::INT16:
      return choose_whole<arrow::Int16Array>(to.what);
    case arrow::Type::INT32:
      return choose_whole<arrow::Int32Array>(to.what);
    case arrow::Type::INT64:
      return choose_whole<arrow::Int64Array>(to.what);
    case arrow::Type::UINT64:
      return choose_whole<arrow::UInt64Array>(to.what);
    case arrow::Type::FLOAT:
      return real<arrow::FloatArray>;
    case arrow::Type::DOUBLE:
      return real<arrow::DoubleArray>;
    case arrow::Type::DECIMAL128:
      return to.what == form::numeric ? decimal : decimal_to_whole<arrow::Decimal128Array, arrow::Decimal128>;
    case arrow::Type::DECIMAL256:
      return to.what == form::numeric ? wide_decimal : decimal_to_whole<arrow::Decimal256Array, arrow::Decimal256>;
    case arrow::Type::STRING:
      return to.what == form::uuid ? uuid : plain_text;
    case arrow::Type::BINARY:
      return bytes;
    case arrow::Type::DATE32:
      return date;
    case arrow::Type::TIME64:
      return time;
    case arrow::Type::TIMESTAMP:
      return timestamp;
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return interval;
    case arrow::Type::LIST:
      return to.what == form::array ? array : document;
    default:
      return document;
  }
}

void describe_type(slot& made, const arrow::DataType& from, const server_type& to) {
  made.type = to.name;
  made.what = to.what;
  made.longest = to.longest();
  made.oid = to.oid;
  for (int places = to.places(); places < 6; ++places) made.step *= 10;
  if (to.has_precision()) {
    made.precision = to.precision();
    made.scale = to.scale();
  }
  if (arrow::is_decimal(from.id())) {
    const auto& decimal = static_cast<const arrow::DecimalType&>(from);
    made.own_scale = decimal.scale();
    made.has_room = made.precision == 0 || (made.scale >= made.own_scale &&
                                            made.precision - made.scale >= decimal.precision() - made.own_scale);
  }
  made.put = choose(from, to);
  if (to.what != form::array) return;
  made.element = std::make_unique<slot>();
  describe_type(*made.element, *from.field(0)->type(), *to.element);
}

std::string message_of(const slot& of, const misfit_value& why, const std::string& found) {
  if (std::string_view(why.code) == "value_too_long")
    return "expected at most " + std::to_string(of.longest) + " characters (" + of.type + "), found '" + found + "'";
  const auto* expected = why.expected == nullptr ? "a number in its range" : why.expected;
  return "the column is " + of.type + ": expected " + expected + ", found '" + found + "'";
}

/// Enough of a value for a message.
std::string shortened(std::string text) {
  constexpr std::size_t enough = 100;
  if (text.size() <= enough) return text;
  auto end = enough;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  return text.substr(0, end) + "...";
}

}  // namespace

row_encoder::row_encoder(const arrow::Schema& schema, const std::vector<target_column>& columns, bool null_for_misfits)
    : null_for_misfits_(null_for_misfits) {
  for (std::size_t at = 0; at < columns.size(); ++at) {
    const auto& field = *schema.field(static_cast<int>(at));
    auto& made = slots_.emplace_back();
    made.name = field.name();
    made.required = columns[at].required;
    made.key = columns[at].key;
    describe_type(made, *field.type(), columns[at].type);
  }
}

row_encoder::~row_encoder() = default;

void row_encoder::begin(byte_buffer& out) {
  constexpr std::string_view signature("PGCOPY\n\377\r\n\0", 11);
  out.reserve(signature.size() + 8);
  out.put_bytes(signature);
  out.put32(0);
  out.put32(0);
}

void row_encoder::end(byte_buffer& out) {
  out.reserve(2);
  out.put16(0xFFFF);
}

void row_encoder::start(std::shared_ptr<arrow::RecordBatch> rows) {
  rows_ = std::move(rows);
  for (std::size_t at = 0; at < slots_.size(); ++at) slots_[at].values = rows_->column(static_cast<int>(at)).get();
}

std::optional<row_error> row_encoder::append(std::int64_t row, byte_buffer& out, std::optional<std::int64_t> number) {
  const auto row_begin = out.size();
  std::uint64_t nulls = 0;
  out.reserve(2);
  out.put16(static_cast<std::uint16_t>(slots_.size() + (number ? 1 : 0)));
  const auto refuse = [&](std::string code, const std::string& column, std::string message) {
    out.cut(row_begin);
    return row_error{row, std::move(code), column, std::move(message)};
  };
  for (auto& one : slots_) {
    const bool is_null = one.values->IsNull(row);
    auto why = fits;
    const auto begin = out.size();
    if (!is_null) why = one.put(one, out, row);
    if (!is_null && why.code == nullptr) continue;
    out.cut(begin);
    if (one.key)
      return refuse(
          "null_key", one.name,
          "a key column must have a value, found " + (is_null ? "null" : shortened(value_text(*one.values, row))));
    if (!is_null && !null_for_misfits_)
      return refuse(why.code, one.name, message_of(one, why, shortened(value_text(*one.values, row))));
    if (one.required) return refuse("constraint_violated", one.name, "the column is NOT NULL, found null");
    if (!is_null) ++nulls;
    out.reserve(4);
    out.put32(0xFFFFFFFFU);
  }
  if (number) {
    out.reserve(12);
    out.put32(8);
    out.put64(static_cast<std::uint64_t>(*number));
  }
  set_null_ += nulls;
  return {};
}

std::string row_encoder::describe(std::int64_t row) const {
  constexpr std::size_t enough = 200;
  std::string text;
  for (const auto& one : slots_) {
    text += (text.empty() ? "" : ", ") + one.name + "=" +
            (one.values->IsNull(row) ? std::string("null") : shortened(value_text(*one.values, row)));
    if (text.size() > enough) return text + "...";
  }
  return text;
}

}  // namespace sluice::postgres
