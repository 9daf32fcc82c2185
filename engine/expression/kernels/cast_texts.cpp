// Casts from text, with PostgreSQL's input syntax, and of everything to text.
#include "engine/expression/kernels/casts.hpp"
#include "engine/expression/kernels/decimals.hpp"
#include "engine/expression/kernels/dispatch.hpp"
#include "engine/values/calendar.hpp"
#include "engine/values/marked_text.hpp"
#include "engine/values/time_zone.hpp"
#include "engine/values/types.hpp"
#include "engine/values/value_parse.hpp"

namespace sluice::expression {

namespace {

// Quotes the value that could not be read, cut where it is long.
std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 60;
  if (text.size() <= longest) return "'" + std::string(text) + "'";
  auto end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside of a character
  return "'" + std::string(text.substr(0, end)) + "...'";
}

void fail_text(row_failures& failures, call& c, std::int64_t row, parsed outcome, std::string_view text) {
  if (!failures.counts(row)) return failures.add_silently(row);
  if (outcome == parsed::out_of_range)
    failures.add(row, "out_of_range", "value " + quoted(text) + " is out of the range of " + type_name(*c.type));
  else
    failures.add(row, "invalid_cast", "expected " + type_name(*c.type) + ", found " + quoted(text));
}

template <class To, class Parse>
result<array_ptr> parse_rows(call& c, Parse&& parse) {
  const texts_of texts(c.args[0]);
  row_failures failures(c);
  return fill_rows<To>(c, failures, [&](std::int64_t row, To& to) {
    const auto outcome = parse(texts[row], to);
    if (outcome != parsed::good) [[unlikely]]
      fail_text(failures, c, row, outcome, texts[row]);
  });
}

template <class To>
result<array_ptr> to_number(call& c) {
  return parse_rows<To>(c, [](std::string_view text, To& out) { return parse_value(text, out); });
}

template <class Value>
result<array_ptr> to_decimal(call& c) {
  const int precision = precision_of(*c.type);
  const int scale = scale_of(*c.type);
  return parse_rows<Value>(
      c, [&](std::string_view text, Value& out) { return parse_decimal(text, precision, scale, out); });
}

result<array_ptr> to_boolean(call& c) {
  const auto validity = all_valid(c.args, c.rows);
  const texts_of texts(c.args[0]);
  auto bits = allocate_bitmap(c.rows);
  std::memset(bits->mutable_data(), 0, static_cast<std::size_t>(bits->size()));
  row_failures failures(c);
  for_valid(validity, c.rows, [&](std::int64_t row) {
    bool value = false;
    const auto outcome = parse_value(texts[row], value);
    if (outcome != parsed::good) return fail_text(failures, c, row, outcome, texts[row]);
    if (value) set_bit(bits->mutable_data(), row);
  });
  return make_booleans(c.rows, std::move(bits), failures.apply(validity));
}

result<array_ptr> to_date(call& c) {
  return parse_rows<std::int32_t>(c, [](std::string_view text, std::int32_t& out) {
    const auto outcome = parse_date(text, out);
    if (outcome != parsed::malformed) return outcome;
    // A timestamp is a date with more behind it.
    std::int64_t time = 0, offset = 0;
    bool has_offset = false;
    if (parse_timestamp(text, time, has_offset, offset) != parsed::good || has_offset) return parsed::malformed;
    // Not the day of that time: the end of a day, 24:00:00, is a time of the next one.
    const auto begin = std::min(text.find_first_of("0123456789"), text.size());
    return parse_date(text.substr(begin, text.find_first_of(" T", begin) - begin), out);
  });
}

result<array_ptr> to_time(call& c) {
  return parse_rows<std::int64_t>(c, [](std::string_view text, std::int64_t& out) { return parse_time(text, out); });
}

// An offset would have to be dropped: PostgreSQL does, but the value would silently be another one.
result<array_ptr> to_timestamp(call& c) {
  return parse_rows<std::int64_t>(c, [](std::string_view text, std::int64_t& out) {
    bool has_offset = false;
    std::int64_t offset = 0;
    const auto outcome = parse_timestamp(text, out, has_offset, offset);
    return outcome == parsed::good && has_offset ? parsed::malformed : outcome;
  });
}

result<array_ptr> to_timestamptz(call& c) {
  SLUICE_ASSIGN(auto clock, zone_clock::find(c.in.run.timezone));
  return parse_rows<std::int64_t>(c, [&](std::string_view text, std::int64_t& out) {
    bool has_offset = false;
    std::int64_t offset = 0;
    const auto outcome = parse_timestamp(text, out, has_offset, offset);
    if (outcome == parsed::good) out = has_offset ? out - offset * microseconds_per_second : clock.to_utc(out);
    return outcome;
  });
}

using interval_type = arrow::MonthDayNanoIntervalType::MonthDayNanos;

result<array_ptr> to_interval(call& c) {
  return parse_rows<interval_type>(c, [](std::string_view text, interval_type& out) {
    interval_value value;
    const auto outcome = parse_interval(text, value);
    out = {value.months, value.days, value.nanoseconds};
    return outcome;
  });
}

result<array_ptr> to_bytea(call& c) {
  const auto validity = all_valid(c.args, c.rows);
  const texts_of texts(c.args[0]);
  row_failures failures(c);
  std::string bytes;
  SLUICE_ASSIGN(auto built, build_texts(c.type, c.rows, validity, [&](std::int64_t row, text_builder& out) {
                  const auto outcome = parse_bytea(texts[row], bytes);
                  if (outcome == parsed::good)
                    out.append(bytes);
                  else
                    fail_text(failures, c, row, outcome, texts[row]);
                }));
  if (failures.empty()) return built;
  auto data = built->data()->Copy();
  data->buffers[0] = failures.apply(validity);
  data->null_count = arrow::kUnknownNullCount;
  return arrow::MakeArray(std::move(data));
}

result<array_ptr> everything_to_text(call& c) {
  const auto& source = *c.args[0].array;
  std::string text;
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    text.clear();
    append_value(text, source, c.args[0].constant ? 0 : row);
    out.append(text);
  });
}

template <class From>
result<array_ptr> integer_to_text(call& c) {
  const column_of<From> from(c.args[0]);
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    char* begin = out.room(longest_value);
    char* end = std::is_unsigned_v<From> ? write_unsigned(begin, static_cast<std::uint64_t>(from[row]))
                                         : write_integer(begin, static_cast<std::int64_t>(from[row]));
    out.advance(end - begin);
  });
}

}  // namespace

kernel find_cast_to_text(const arrow::DataType& from) {
  const auto found = dispatch_number(from, []<class T>(std::type_identity<T>) -> kernel {
    if constexpr (std::is_integral_v<T>) return integer_to_text<T>;
    return nullptr;
  });
  return found != nullptr ? found : everything_to_text;
}

kernel find_text_cast(const arrow::DataType& to) {
  switch (to.id()) {
    case arrow::Type::BOOL:
      return to_boolean;
    case arrow::Type::DECIMAL128:
      return to_decimal<int128>;
    case arrow::Type::DECIMAL256:
      return to_decimal<wide_words>;
    case arrow::Type::DATE32:
      return to_date;
    case arrow::Type::TIME64:
      return to_time;
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(to).timezone().empty() ? to_timestamp : to_timestamptz;
    case arrow::Type::INTERVAL_MONTH_DAY_NANO:
      return to_interval;
    case arrow::Type::BINARY:
      return to_bytea;
    default:
      return dispatch_number(to, []<class T>(std::type_identity<T>) -> kernel { return to_number<T>; });
  }
}

kernel find_cast_kernel(const arrow::DataType& from, const arrow::DataType& to) {
  if (const auto found = find_marked_cast(from, to)) return found;
  if (const auto mark = mark_of(to); mark == text_mark::json || mark == text_mark::uuid) return nullptr;
  if (const auto found = find_list_cast(from, to)) return found;
  if (to.id() == arrow::Type::STRING) return find_cast_to_text(from);
  if (from.id() == arrow::Type::STRING) return find_text_cast(to);
  if (const auto found = find_number_cast(from, to)) return found;
  return find_temporal_cast(from, to);
}

}  // namespace sluice::expression
