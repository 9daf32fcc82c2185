#include "engine/clients/postgres/row_decoder.hpp"

#include "engine/clients/postgres/numeric.hpp"
#include "engine/clients/postgres/uuid_text.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_parse.hpp"
#include "engine/values/value_text.hpp"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

namespace sluice::postgres {

namespace {

constexpr std::int64_t microseconds_of_1970 = 946'684'800'000'000;  ///< before 2000-01-01
constexpr std::int32_t days_of_1970 = 10'957;
constexpr std::size_t header = 19;
constexpr std::string_view signature("PGCOPY\n\377\r\n\0", 11);

template <class Number>
Number read_number(const char* at) {
  using bits = std::make_unsigned_t<Number>;
  bits made = 0;
  for (std::size_t i = 0; i < sizeof made; ++i)
    made = static_cast<bits>((made << 8U) | static_cast<unsigned char>(at[i]));
  return static_cast<Number>(made);
}
template <>
std::int64_t read_number<std::int64_t>(const char* at) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, at, sizeof bits);
  return static_cast<std::int64_t>(__builtin_bswap64(bits));
}
template <>
std::int32_t read_number<std::int32_t>(const char* at) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, at, sizeof bits);
  return static_cast<std::int32_t>(__builtin_bswap32(bits));
}

template <class Real, class Bits>
Real read_real(const char* at) {
  const auto bits = read_number<Bits>(at);
  Real made = 0;
  std::memcpy(&made, &bits, sizeof made);
  return made;
}

enum class taken { good, misfit, damaged, no_memory };

taken from(const arrow::Status& appended) { return appended.ok() ? taken::good : taken::no_memory; }

}  // namespace

struct row_decoder::slot {
  using function = taken (*)(slot&, std::string_view);

  std::string name;
  server_type type;
  std::shared_ptr<arrow::DataType> as;
  bool contradicts = false;
  int precision = 0;
  int scale = 0;
  function take = nullptr;
  std::unique_ptr<arrow::ArrayBuilder> own = {};
  arrow::ArrayBuilder* builder = nullptr;
  std::unique_ptr<slot> element = nullptr;

  template <class Builder>
  Builder& as_builder() {
    return static_cast<Builder&>(*builder);
  }
};

namespace {

using slot = row_decoder::slot;

taken boolean(slot& to, std::string_view bytes) {
  if (bytes.size() != 1) return taken::damaged;
  return from(to.as_builder<arrow::BooleanBuilder>().Append(bytes[0] != 0));
}

template <class Number, class Builder>
taken whole(slot& to, std::string_view bytes) {
  if (bytes.size() != sizeof(Number)) return taken::damaged;
  return from(to.as_builder<Builder>().Append(read_number<Number>(bytes.data())));
}

taken oid(slot& to, std::string_view bytes) {
  if (bytes.size() != 4) return taken::damaged;
  return from(to.as_builder<arrow::Int64Builder>().Append(read_number<std::uint32_t>(bytes.data())));
}

taken real(slot& to, std::string_view bytes) {
  if (bytes.size() != 4) return taken::damaged;
  return from(to.as_builder<arrow::FloatBuilder>().Append(read_real<float, std::int32_t>(bytes.data())));
}

taken double_precision(slot& to, std::string_view bytes) {
  if (bytes.size() != 8) return taken::damaged;
  return from(to.as_builder<arrow::DoubleBuilder>().Append(read_real<double, std::int64_t>(bytes.data())));
}

taken numeric(slot& to, std::string_view bytes) {
  int128 value = 0;
  switch (read_numeric(bytes, to.precision, to.scale, value)) {
    case numeric_reading::good:
      break;
    case numeric_reading::damaged:
      return taken::damaged;
    default:
      return taken::misfit;
  }
  return from(to.as_builder<arrow::Decimal128Builder>().Append(
      arrow::Decimal128(static_cast<std::int64_t>(value >> 64), static_cast<std::uint64_t>(value))));
}

taken wide_numeric(slot& to, std::string_view bytes) {
  const auto text = numeric_text(bytes);
  if (!text) return taken::damaged;
  wide_words words{};
  if (parse_exact_decimal(*text, to.precision, to.scale, words) != parsed::good) return taken::misfit;
  return from(
      to.as_builder<arrow::Decimal256Builder>().Append(arrow::Decimal256(arrow::Decimal256::LittleEndianArray, words)));
}

taken text(slot& to, std::string_view bytes) { return from(to.as_builder<arrow::StringBuilder>().Append(bytes)); }

taken jsonb(slot& to, std::string_view bytes) {
  if (bytes.empty() || bytes[0] != '\1') return taken::damaged;
  return text(to, bytes.substr(1));
}

taken uuid(slot& to, std::string_view bytes) {
  if (bytes.size() != 16) return taken::damaged;
  return text(to, uuid_text(bytes));
}

taken bytea(slot& to, std::string_view bytes) { return from(to.as_builder<arrow::BinaryBuilder>().Append(bytes)); }

taken date(slot& to, std::string_view bytes) {
  if (bytes.size() != 4) return taken::damaged;
  const auto days = read_number<std::int32_t>(bytes.data());
  std::int32_t value = 0;
  const bool infinite =
      days == std::numeric_limits<std::int32_t>::max() || days == std::numeric_limits<std::int32_t>::min();
  if (infinite || __builtin_add_overflow(days, days_of_1970, &value)) return taken::misfit;
  return from(to.as_builder<arrow::Date32Builder>().Append(value));
}

taken time(slot& to, std::string_view bytes) {
  if (bytes.size() != 8) return taken::damaged;
  return from(to.as_builder<arrow::Time64Builder>().Append(read_number<std::int64_t>(bytes.data())));
}

taken timestamp(slot& to, std::string_view bytes) {
  if (bytes.size() != 8) return taken::damaged;
  const auto microseconds = read_number<std::int64_t>(bytes.data());
  std::int64_t value = 0;
  if (microseconds == std::numeric_limits<std::int64_t>::min() ||
      __builtin_add_overflow(microseconds, microseconds_of_1970, &value))
    return taken::misfit;
  return from(to.as_builder<arrow::TimestampBuilder>().Append(value));
}

taken interval(slot& to, std::string_view bytes) {
  if (bytes.size() != 16) return taken::damaged;
  arrow::MonthDayNanoIntervalType::MonthDayNanos value{};
  if (__builtin_mul_overflow(read_number<std::int64_t>(bytes.data()), std::int64_t{1000}, &value.nanoseconds))
    return taken::misfit;
  value.days = read_number<std::int32_t>(bytes.data() + 8);
  value.months = read_number<std::int32_t>(bytes.data() + 12);
  return from(to.as_builder<arrow::MonthDayNanoIntervalBuilder>().Append(value));
}

/// array_send: see row_encoder.
taken array(slot& to, std::string_view bytes) {
  constexpr std::size_t fixed = 12;
  if (bytes.size() < fixed) return taken::damaged;
  const auto dimensions = read_number<std::int32_t>(bytes.data());
  if (dimensions > 1) return taken::misfit;
  auto& lists = to.as_builder<arrow::ListBuilder>();
  if (dimensions == 0) return from(lists.Append());
  if (bytes.size() < fixed + 8) return taken::damaged;
  const auto count = read_number<std::int32_t>(bytes.data() + fixed);
  // Another lower bound than 1 has no place in a list.
  if (read_number<std::int32_t>(bytes.data() + fixed + 4) != 1) return taken::misfit;
  // Each has a length at least: what is damaged is seen before anything is appended.
  bytes.remove_prefix(fixed + 8);
  std::vector<std::optional<std::string_view>> values;
  for (std::int32_t each = 0; each < count; ++each) {
    if (bytes.size() < 4) return taken::damaged;
    const auto length = read_number<std::int32_t>(bytes.data());
    bytes.remove_prefix(4);
    if (length < -1 || (length > 0 && bytes.size() < static_cast<std::size_t>(length))) return taken::damaged;
    if (length == -1) {
      values.emplace_back();
      continue;
    }
    values.emplace_back(bytes.substr(0, static_cast<std::size_t>(length)));
    bytes.remove_prefix(static_cast<std::size_t>(length));
  }
  if (!lists.Append().ok()) return taken::no_memory;
  auto worst = taken::good;
  for (const auto& value : values) {
    auto how = taken::good;
    if (value) how = to.element->take(*to.element, *value);
    // The row is left out as a whole, but its builders must stay of one length.
    if ((!value || how == taken::misfit) && !to.element->builder->AppendNull().ok()) return taken::no_memory;
    if (how != taken::good) worst = how;
  }
  return worst;
}

slot::function function_for(const server_type& type, const arrow::DataType& as) {
  switch (type.what) {
    case form::boolean:
      return boolean;
    case form::int2:
      return whole<std::int16_t, arrow::Int16Builder>;
    case form::int4:
      return whole<std::int32_t, arrow::Int32Builder>;
    case form::int8:
      return whole<std::int64_t, arrow::Int64Builder>;
    case form::oid:
      return oid;
    case form::float4:
      return real;
    case form::float8:
      return double_precision;
    case form::numeric:
      return as.id() == arrow::Type::DECIMAL256 ? wide_numeric : numeric;
    case form::jsonb:
      return jsonb;
    case form::uuid:
      return uuid;
    case form::bytea:
      return bytea;
    case form::date:
      return date;
    case form::time:
      return time;
    case form::timestamp:
    case form::timestamptz:
      return timestamp;
    case form::interval:
      return interval;
    case form::array:
      return array;
    default:
      return text;
  }
}

void fill_in(slot& made, arrow::ArrayBuilder* builder) {
  made.builder = builder;
  if (arrow::is_decimal(made.as->id())) {
    made.precision = static_cast<const arrow::DecimalType&>(*made.as).precision();
    made.scale = static_cast<const arrow::DecimalType&>(*made.as).scale();
  }
  made.take = function_for(made.type, *made.as);
  if (made.type.what != form::array) return;
  made.element = std::make_unique<slot>();
  made.element->type = *made.type.element;
  made.element->as = made.as->field(0)->type();
  fill_in(*made.element, static_cast<arrow::ListBuilder*>(builder)->value_builder());
}

std::string hex(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text = "\\x";
  for (const char each : bytes) {
    text += digits[static_cast<unsigned char>(each) >> 4U];
    text += digits[static_cast<unsigned char>(each) & 15U];
  }
  return text;
}

/// A value in a message or a reject's record.
std::string shown(const server_type& type, std::string_view bytes) {
  std::array<char, longest_value> room{};
  const auto written = [&](const char* end) { return std::string(static_cast<const char*>(room.data()), end); };
  const auto number = [&]<class Number>(Number) {
    return bytes.size() == sizeof(Number) ? read_number<Number>(bytes.data()) : Number{};
  };
  switch (type.what) {
    case form::boolean:
      return !bytes.empty() && bytes[0] != 0 ? "true" : "false";
    case form::int2:
      return std::to_string(number(std::int16_t{}));
    case form::int4:
      return std::to_string(number(std::int32_t{}));
    case form::int8:
      return std::to_string(number(std::int64_t{}));
    case form::oid:
      return std::to_string(number(std::uint32_t{}));
    case form::float4:
      return bytes.size() == 4 ? written(write_float(room.data(), read_real<float, std::int32_t>(bytes.data()))) : "";
    case form::float8:
      return bytes.size() == 8 ? written(write_double(room.data(), read_real<double, std::int64_t>(bytes.data()))) : "";
    case form::numeric:
      return numeric_text(bytes).value_or("?");
    case form::text:
      return std::string(bytes);
    case form::jsonb:
      return std::string(bytes.substr(std::min<std::size_t>(bytes.size(), 1)));
    case form::uuid:
      return uuid_text(bytes);
    case form::date: {
      const auto days = number(std::int32_t{});
      if (days == std::numeric_limits<std::int32_t>::max()) return "infinity";
      if (days == std::numeric_limits<std::int32_t>::min()) return "-infinity";
      return written(write_date(room.data(), days + days_of_1970));
    }
    case form::time:
      return written(write_time(room.data(), number(std::int64_t{})));
    case form::timestamp:
    case form::timestamptz: {
      const auto value = number(std::int64_t{});
      std::int64_t since_1970 = 0;
      if (value == std::numeric_limits<std::int64_t>::min()) return "-infinity";
      if (__builtin_add_overflow(value, microseconds_of_1970, &since_1970)) return "infinity";
      return written(write_timestamp(room.data(), since_1970, type.what == form::timestamptz));
    }
    case form::array: {
      const auto dimensions = bytes.size() < 4 ? 0 : read_number<std::int32_t>(bytes.data());
      return dimensions > 1 ? "an array of " + std::to_string(dimensions) + " dimensions" : "an array";
    }
    default:
      return hex(bytes);
  }
}

error corrupt() { return external_error("corrupt_answer", "the server's COPY has a row that can't be read"); }

}  // namespace

std::shared_ptr<arrow::DataType> type_for(const server_type& of) {
  switch (of.what) {
    case form::boolean:
      return arrow::boolean();
    case form::int2:
      return arrow::int16();
    case form::int4:
      return arrow::int32();
    case form::int8:
    case form::oid:
      return arrow::int64();
    case form::float4:
      return arrow::float32();
    case form::float8:
      return arrow::float64();
    case form::numeric: {
      if (!of.has_precision()) return nullptr;
      const int scale = std::max(of.scale(), 0);
      const int precision = std::max(of.precision() - std::min(of.scale(), 0), scale);
      if (precision > arrow::Decimal256Type::kMaxPrecision) return nullptr;
      if (precision > arrow::Decimal128Type::kMaxPrecision) return arrow::decimal256(precision, scale);
      return arrow::decimal128(precision, scale);
    }
    case form::text:
      return of.document ? json_type() : arrow::utf8();
    case form::jsonb:
      return json_type();
    case form::uuid:
      return uuid_type();
    case form::bytea:
      return arrow::binary();
    case form::date:
      return arrow::date32();
    case form::time:
      return time_type();
    case form::timestamp:
      return timestamp_type();
    case form::timestamptz:
      return timestamptz_type();
    case form::interval:
      return interval_type();
    case form::array: {
      auto element = type_for(*of.element);
      return element == nullptr ? nullptr : arrow::list(std::move(element));
    }
    case form::other:
      break;
  }
  return nullptr;
}

row_decoder::row_decoder(const std::vector<source_column>& columns) {
  slots_.reserve(columns.size());
  for (const auto& column : columns) {
    auto& made = slots_.emplace_back();
    made.name = column.name;
    made.type = column.type;
    made.as = column.as;
    made.contradicts = column.contradicts;
    made.own = arrow::MakeBuilder(column.as).ValueOr(nullptr);
    fill_in(made, made.own.get());
  }
}

row_decoder::~row_decoder() = default;

result<std::optional<row_decoder::misfit>> row_decoder::take(std::string_view message) {
  if (!begun_) {
    if (message.size() < header || !message.starts_with(signature)) return corrupt();
    const auto extension = read_number<std::uint32_t>(message.data() + header - 4);
    if (message.size() < header + extension) return corrupt();
    message.remove_prefix(header + extension);
    begun_ = true;
  }
  if (message.size() < 2) return message.empty() ? result<std::optional<misfit>>(std::nullopt) : corrupt();
  const auto fields = read_number<std::int16_t>(message.data());
  if (fields == -1) return std::optional<misfit>();
  if (fields != static_cast<std::int16_t>(slots_.size())) return corrupt();
  return take_row(message.substr(2));
}

result<std::optional<row_decoder::misfit>> row_decoder::take_row(std::string_view fields) {
  std::optional<misfit> bad;
  const auto row = fields;
  for (auto& one : slots_) {
    if (fields.size() < 4) return corrupt();
    const auto length = read_number<std::int32_t>(fields.data());
    fields.remove_prefix(4);
    if (length < -1 || (length > 0 && fields.size() < static_cast<std::size_t>(length))) return corrupt();
    if (length == -1) {
      if (!one.builder->AppendNull().ok()) return corrupt();
      continue;
    }
    const auto bytes = fields.substr(0, static_cast<std::size_t>(length));
    fields.remove_prefix(bytes.size());
    const auto length_before = one.builder->length();
    const auto how = one.take(one, bytes);
    if (how == taken::damaged) return corrupt();
    if (how == taken::no_memory)
      return external_error("out_of_memory", "no memory for a batch", "use a smaller value for a row");
    if (how == taken::good) continue;
    if (one.builder->length() == length_before && !one.builder->AppendNull().ok()) return corrupt();
    if (!bad)
      bad = misfit{{rows_, "not_representable", one.name,
                    "expected a value of " + type_name(*one.as) + ", found " + shown(one.type, bytes)},
                   {},
                   one.contradicts};
  }
  if (!fields.empty()) return corrupt();
  bytes_ += static_cast<std::int64_t>(row.size());
  if (bad) {
    dropped_.push_back(built_);
    bad->record = "{";
    fields = row;
    for (const auto& one : slots_) {
      const auto length = read_number<std::int32_t>(fields.data());
      fields.remove_prefix(4);
      append_json_text(bad->record += bad->record.size() > 1 ? "," : "", one.name);
      bad->record += ":";
      if (length < 0) {
        bad->record += "null";
        continue;
      }
      const auto bytes = fields.substr(0, static_cast<std::size_t>(length));
      fields.remove_prefix(bytes.size());
      append_json_text(bad->record, shown(one.type, bytes));
    }
    bad->record += "}";
  } else {
    ++rows_;
  }
  ++built_;
  return bad;
}

result<std::vector<std::shared_ptr<arrow::Array>>> row_decoder::finish() {
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  std::shared_ptr<arrow::Array> kept;
  if (!dropped_.empty()) {
    arrow::BooleanBuilder keep;
    auto next = dropped_.begin();
    for (std::int64_t row = 0; row < built_; ++row) {
      const bool drop = next != dropped_.end() && *next == row;
      if (drop) ++next;
      SLUICE_TRY_ARROW(keep.Append(!drop), "leave out rows");
    }
    SLUICE_ASSIGN_ARROW(kept, keep.Finish(), "leave out rows");
  }
  for (auto& one : slots_) {
    SLUICE_ASSIGN_ARROW(auto array, one.builder->Finish(), "build the column " + one.name);
    if (kept) {
      SLUICE_ASSIGN_ARROW(const auto filtered, arrow::compute::Filter(array, kept), "leave out rows");
      array = filtered.make_array();
    }
    arrays.push_back(std::move(array));
  }
  dropped_.clear();
  built_ = rows_ = bytes_ = 0;
  return arrays;
}

}  // namespace sluice::postgres
