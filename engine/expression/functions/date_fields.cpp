// extract and date_part.
#include "engine/error/names.hpp"
#include "engine/expression/functions/support.hpp"
#include "engine/expression/kernels/decimals.hpp"
#include "engine/values/calendar.hpp"
#include "engine/values/time_zone.hpp"
#include "engine/values/types.hpp"

#include <map>

namespace sluice::expression {

namespace {

using span = arrow::MonthDayNanoIntervalType::MonthDayNanos;

enum class field {
  millennium,
  century,
  decade,
  year,
  quarter,
  month,
  week,
  isoyear,
  day,
  dow,
  isodow,
  doy,
  hour,
  minute,
  second,
  millisecond,
  microsecond,
  epoch,
  zone,
  zone_hour,
  zone_minute
};

struct field_name {
  field what;
  int scale;  // of extract's decimal
  int precision;
};

const std::map<std::string, field_name> fields = {{"millennium", {field::millennium, 0, 10}},
                                                  {"century", {field::century, 0, 10}},
                                                  {"decade", {field::decade, 0, 10}},
                                                  {"year", {field::year, 0, 10}},
                                                  {"years", {field::year, 0, 10}},
                                                  {"quarter", {field::quarter, 0, 10}},
                                                  {"month", {field::month, 0, 10}},
                                                  {"months", {field::month, 0, 10}},
                                                  {"week", {field::week, 0, 10}},
                                                  {"isoyear", {field::isoyear, 0, 10}},
                                                  {"day", {field::day, 0, 10}},
                                                  {"days", {field::day, 0, 10}},
                                                  {"dow", {field::dow, 0, 10}},
                                                  {"isodow", {field::isodow, 0, 10}},
                                                  {"doy", {field::doy, 0, 10}},
                                                  {"hour", {field::hour, 0, 10}},
                                                  {"hours", {field::hour, 0, 10}},
                                                  {"minute", {field::minute, 0, 10}},
                                                  {"minutes", {field::minute, 0, 10}},
                                                  {"second", {field::second, 6, 16}},
                                                  {"seconds", {field::second, 6, 16}},
                                                  {"milliseconds", {field::millisecond, 3, 16}},
                                                  {"millisecond", {field::millisecond, 3, 16}},
                                                  {"microseconds", {field::microsecond, 0, 16}},
                                                  {"microsecond", {field::microsecond, 0, 16}},
                                                  {"epoch", {field::epoch, 6, 20}},
                                                  {"timezone", {field::zone, 0, 10}},
                                                  {"timezone_hour", {field::zone_hour, 0, 10}},
                                                  {"timezone_minute", {field::zone_minute, 0, 10}}};

bool is_time_field(field what) { return what >= field::hour; }
bool is_zone_field(field what) { return what >= field::zone; }

std::int64_t of_date(field what, std::int64_t day) {
  const auto date = civil_from_days(day);
  switch (what) {
    case field::millennium:
      return date.year > 0 ? (date.year + 999) / 1000 : -((1000 - date.year) / 1000);
    case field::century:
      return date.year > 0 ? (date.year + 99) / 100 : -((100 - date.year) / 100);
    case field::decade:
      return floor_div(date.year, 10);
    case field::year:
      return date.year > 0 ? date.year : date.year - 1;
    case field::quarter:
      return (date.month + 2) / 3;
    case field::month:
      return date.month;
    case field::week:
      return iso_week(day);
    case field::isoyear: {
      const auto year = iso_year(day);
      return year > 0 ? year : year - 1;
    }
    case field::day:
      return date.day;
    case field::dow:
      return iso_weekday(day) % 7;
    case field::isodow:
      return iso_weekday(day);
    case field::doy:
      return day - days_from_civil(date.year, 1, 1) + 1;
    default:
      return 0;
  }
}

// In units of the field's scale: seconds with 6 places as microseconds.
std::int64_t of_time(field what, std::int64_t microseconds) {
  switch (what) {
    case field::hour:
      return microseconds / (3600 * microseconds_per_second);
    case field::minute:
      return microseconds / (60 * microseconds_per_second) % 60;
    default:
      return microseconds % (60 * microseconds_per_second);
  }
}

// Of an offset in seconds.
std::int64_t of_zone(field what, std::int64_t offset) {
  return what == field::zone ? offset : what == field::zone_hour ? offset / 3600 : offset / 60 % 60;
}

int128 of_interval(field what, const span& value) {
  const auto time = value.nanoseconds / 1000;
  switch (what) {
    case field::millennium:
      return value.months / 12'000;
    case field::century:
      return value.months / 1200;
    case field::decade:
      return value.months / 120;
    case field::year:
      return value.months / 12;
    case field::quarter:
      return value.months % 12 / 3 + 1;
    case field::month:
      return value.months % 12;
    case field::day:
      return value.days;
    case field::epoch:
      // A year counts 365.25 days and a month 30, as in PostgreSQL.
      return (int128{value.months / 12} * 31'557'600 + int128{value.months % 12} * 2'592'000 +
              int128{value.days} * 86'400) *
                 microseconds_per_second +
             time;
    case field::hour:
      return time / (3600 * microseconds_per_second);
    default:
      return of_time(what, time);
  }
}

enum class source { date, time, timestamp, timestamptz, interval };

source source_of(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DATE32) return source::date;
  if (type.id() == arrow::Type::TIME64) return source::time;
  if (type.id() == arrow::Type::INTERVAL_MONTH_DAY_NANO) return source::interval;
  return is_timestamptz(type) ? source::timestamptz : source::timestamp;
}

// Calls `store(row, value)` with the field of each row.
template <class Store>
status each_field(call& c, field what, const buffer_ptr& validity, Store&& store) {
  const auto from = source_of(*c.args[1].array->type());
  if (from == source::interval) {
    const column_of<span> values(c.args[1]);
    for_valid(validity, c.rows, [&](std::int64_t row) { store(row, of_interval(what, values[row])); });
    return {};
  }
  if (from == source::date) {
    const column_of<std::int32_t> values(c.args[1]);
    for_valid(validity, c.rows, [&](std::int64_t row) {
      store(row, what == field::epoch  ? values[row] * microseconds_per_day
                 : is_time_field(what) ? 0
                                       : of_date(what, values[row]));
    });
    return {};
  }
  auto clock = zone_clock::find(from == source::timestamptz ? c.in.run.timezone : "UTC");
  if (!clock.ok()) return clock.problem();
  const column_of<std::int64_t> values(c.args[1]);
  for_valid(validity, c.rows, [&](std::int64_t row) {
    const auto value = values[row];
    if (what == field::epoch) return store(row, value);
    if (is_zone_field(what)) return store(row, of_zone(what, clock->offset_at(value)));
    const auto local = clock->to_local(value);
    const auto day = floor_div(local, microseconds_per_day);
    store(row, is_time_field(what) ? of_time(what, local - day * microseconds_per_day) : of_date(what, day));
  });
  return {};
}

template <class Out>
result<array_ptr> field_kernel(call& c) {
  const auto& named = *static_cast<const field_name*>(c.state);
  const auto validity = all_valid(c.args, c.rows);
  auto values = allocate(c.rows * static_cast<std::int64_t>(sizeof(Out)));
  std::memset(values->mutable_data(), 0, static_cast<std::size_t>(values->size()));
  auto* out = reinterpret_cast<Out*>(values->mutable_data());
  const auto scale = static_cast<Out>(powers_of_ten[static_cast<std::size_t>(named.scale)]);
  SLUICE_TRY(each_field(c, named.what, validity, [&](std::int64_t row, int128 value) {
    if constexpr (std::is_same_v<Out, double>)
      out[row] = static_cast<double>(value) / scale;
    else
      out[row] = value;
  }));
  return make_array(c.type, c.rows, std::move(values), validity);
}

node_ptr bind_field(binder& b, const call_site& site) {
  const bool extract = site.name == "extract";
  auto name = constant_text(site.args[0].value);
  if (!name)
    return b.fault(site.args[0].at, "type_mismatch", site.name + " expects the name of a field such as 'year'");
  for (auto& c : *name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto found = fields.find(*name);
  if (found == fields.end()) {
    std::vector<std::string> known;
    for (const auto& [each, unused] : fields) known.push_back(each);
    const auto near = nearest_name(*name, known);
    return b.fault(site.args[0].at, "unknown_field", "there is no field " + *name,
                   near.empty() ? "fields are year, quarter, month, week, day, dow, doy, hour, minute, second, epoch"
                                : "did you mean " + near + "?");
  }
  auto value = b.settle(site.args[1]);
  if (!value) return nullptr;
  const auto id = value->type->id();
  const bool temporal = id == arrow::Type::DATE32 || id == arrow::Type::TIME64 || id == arrow::Type::TIMESTAMP ||
                        id == arrow::Type::INTERVAL_MONTH_DAY_NANO;
  if (!temporal)
    return b.fault(site.args[1].at, "type_mismatch",
                   site.name + " expects a date, time, timestamp or interval, found " + type_name(*value->type),
                   is_text_type(*value->type) ? "cast it: " + text_of(*value) + "::timestamp" : "");
  if (is_zone_field(found->second.what) && !is_timestamptz(*value->type))
    return b.fault(site.args[0].at, "type_mismatch", "a value of type " + type_name(*value->type) + " has no " + *name);
  const bool has_no_date = id == arrow::Type::TIME64 && !is_time_field(found->second.what);
  if (has_no_date) return b.fault(site.args[0].at, "type_mismatch", "a time has no " + *name);
  const bool no_field =
      id == arrow::Type::INTERVAL_MONTH_DAY_NANO &&
      (found->second.what == field::week || found->second.what == field::isoyear || found->second.what == field::dow ||
       found->second.what == field::isodow || found->second.what == field::doy);
  if (no_field) return b.fault(site.args[0].at, "type_mismatch", "an interval has no " + *name);
  // date_part casts a date to timestamp, extract does not: as in PostgreSQL.
  if (extract && id == arrow::Type::DATE32 && is_time_field(found->second.what) && found->second.what != field::epoch)
    return b.fault(site.args[0].at, "type_mismatch", "a date has no " + *name,
                   "cast it to timestamp if you want the time at midnight: x::timestamp");
  auto what = found->second;
  // Years of an interval may be more than a timestamp spans.
  if (id == arrow::Type::INTERVAL_MONTH_DAY_NANO && what.what == field::epoch) what.precision = 22;
  const type_ptr type = extract ? arrow::decimal128(what.precision, what.scale) : arrow::float64();
  auto settled = b.settle(site.args[0]);
  return b.call(site.name, type, {settled, value}, extract ? field_kernel<int128> : field_kernel<double>,
                {.state = std::make_shared<const field_name>(what)});
}

}  // namespace

const std::vector<function>& date_field_functions() {
  static const std::vector<function> all = {
      entry("date_part", "date", "date_part(field, date, time, timestamp or interval) -> double",
            "the same as extract, as a double", "date_part('hour', timestamp '2024-05-01 12:30:00')", "12", 2, 2,
            bind_field),
      entry("extract", "date", "extract(field from date, time, timestamp or interval) -> decimal",
            "year, quarter, month, week, day, dow, doy, isodow, hour, minute, second, epoch ...",
            "extract(year from date '2024-05-01')", "2024", 2, 2, bind_field),
  };
  return all;
}

}  // namespace sluice::expression
