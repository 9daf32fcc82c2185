#include "engine/error/names.hpp"
#include "engine/expression/functions/support.hpp"
#include "engine/values/calendar.hpp"
#include "engine/values/time_zone.hpp"
#include "engine/values/types.hpp"

#include <cctype>
#include <cmath>
#include <optional>

namespace sluice::expression {

namespace {

enum class trunc_unit {
  microseconds,
  milliseconds,
  second,
  minute,
  hour,
  day,
  week,
  month,
  quarter,
  year,
  decade,
  century,
  millennium
};

std::int64_t truncate(trunc_unit unit, std::int64_t local) {
  const auto day = floor_div(local, microseconds_per_day);
  const auto time = local - day * microseconds_per_day;
  const auto down = [&](std::int64_t step) { return day * microseconds_per_day + time / step * step; };
  const auto start = [](std::int64_t year, int month) {
    return days_from_civil(year, month, 1) * microseconds_per_day;
  };
  switch (unit) {
    case trunc_unit::microseconds:
      return local;
    case trunc_unit::milliseconds:
      return down(1000);
    case trunc_unit::second:
      return down(microseconds_per_second);
    case trunc_unit::minute:
      return down(60 * microseconds_per_second);
    case trunc_unit::hour:
      return down(3600 * microseconds_per_second);
    case trunc_unit::day:
      return day * microseconds_per_day;
    case trunc_unit::week:
      return (day - iso_weekday(day) + 1) * microseconds_per_day;
    default:
      break;
  }
  const auto date = civil_from_days(day);
  switch (unit) {
    case trunc_unit::month:
      return start(date.year, date.month);
    case trunc_unit::quarter:
      return start(date.year, (date.month - 1) / 3 * 3 + 1);
    case trunc_unit::year:
      return start(date.year, 1);
    case trunc_unit::decade:
      return start(floor_div(date.year, 10) * 10, 1);
    case trunc_unit::century:
      return start(floor_div(date.year - 1, 100) * 100 + 1, 1);
    default:
      return start(floor_div(date.year - 1, 1000) * 1000 + 1, 1);
  }
}

result<array_ptr> truncate_kernel(call& c) {
  const auto unit = *static_cast<const trunc_unit*>(c.state);
  const bool zoned = is_timestamptz(*c.type);
  SLUICE_ASSIGN(auto clock, zone_clock::find(zoned ? c.in.run.timezone : "UTC"));
  const column_of<std::int64_t> from(c.args[1]);
  row_failures failures(c);
  // A day or more begins with the offset of its own first moment. Up to the hour the offset of the time itself stays:
  // an hour that comes twice is two hours.
  if (unit >= trunc_unit::day)
    return fill_rows<std::int64_t>(c, failures, [&](std::int64_t row, std::int64_t& out) {
      out = clock.to_utc(truncate(unit, clock.to_local(from[row])));
    });
  return fill_rows<std::int64_t>(c, failures, [&](std::int64_t row, std::int64_t& out) {
    const auto local = clock.to_local(from[row]);
    out = truncate(unit, local) - (local - from[row]);
  });
}

// Units are known in any case and in the plural.
std::string unit_name(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (text == "centuries") return "century";
  if (text == "millennia") return "millennium";
  if (text.ends_with('s')) text.pop_back();
  return text;
}

node_ptr bind_truncate(binder& b, const call_site& site) {
  // In the order of trunc_unit.
  static const std::vector<std::string> units = {"microseconds", "milliseconds", "second",    "minute",  "hour",
                                                 "day",          "week",         "month",     "quarter", "year",
                                                 "decade",       "century",      "millennium"};
  const auto unit = constant_text(site.args[0].value);
  const auto wanted = unit ? unit_name(*unit) : std::string();
  const auto found =
      std::find_if(units.begin(), units.end(), [&](const auto& one) { return unit_name(one) == wanted; });
  if (found == units.end()) {
    const auto near = unit ? nearest_name(*unit, units) : std::string();
    return b.fault(
        site.args[0].at, "unknown_field",
        "date_trunc expects a unit such as 'month', found " + (unit ? "'" + *unit + "'" : text_of(*site.args[0].value)),
        near.empty() ? "units are second, minute, hour, day, week, month, quarter, year"
                     : "did you mean '" + near + "'?");
  }
  auto value = b.settle(site.args[1]);
  if (!value) return nullptr;
  if (value->type->id() == arrow::Type::DATE32) value = b.cast({value, site.args[1].at}, timestamp_type());
  value = b.coerce({value, site.args[1].at},
                   value->type->id() == arrow::Type::TIMESTAMP ? value->type : timestamp_type(), "date_trunc");
  if (!value) return nullptr;
  const auto type = value->type;
  const auto state = std::make_shared<const trunc_unit>(static_cast<trunc_unit>(found - units.begin()));
  return b.call("date_trunc", type, {b.settle(site.args[0]), value}, truncate_kernel, {.state = state});
}

// --- making

// Years before 1 count down from -1 (1 BC), as in PostgreSQL: there is no year 0.
std::int32_t astronomical(std::int32_t year) { return year < 0 ? year + 1 : year; }

// The day of a date; nullopt where there is no such date.
std::optional<std::int32_t> day_of(std::int32_t year, std::int32_t month, std::int32_t day) {
  if (year == 0 || year < -5'877'642 || year > 5'881'580 || month < 1 || month > 12 || day < 1 ||
      day > days_in_month(astronomical(year), month))
    return {};
  const auto days = days_from_civil(astronomical(year), month, day);
  if (days != static_cast<std::int32_t>(days)) return {};
  return static_cast<std::int32_t>(days);
}

result<array_ptr> make_date_kernel(call& c) {
  const column_of<std::int32_t> year(c.args[0]), month(c.args[1]), day(c.args[2]);
  row_failures failures(c);
  return fill_rows<std::int32_t>(c, failures, [&](std::int64_t row, std::int32_t& out) {
    const auto found = day_of(year[row], month[row], day[row]);
    if (!found)
      return failures.add(row, "out_of_range",
                          "there is no date " + argument_text(c, 0, row) + "-" + argument_text(c, 1, row) + "-" +
                              argument_text(c, 2, row));
    out = *found;
  });
}

node_ptr bind_make_date(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::int32()}, arrow::date32(), make_date_kernel);
}

result<array_ptr> make_timestamp_kernel(call& c) {
  const column_of<std::int32_t> year(c.args[0]), month(c.args[1]), day(c.args[2]), hour(c.args[3]), minute(c.args[4]);
  const column_of<double> second(c.args[5]);
  row_failures failures(c);
  return fill_rows<std::int64_t>(c, failures, [&](std::int64_t row, std::int64_t& out) {
    // Second 60 is the next minute, and 24:00 the next day.
    const bool parts = hour[row] >= 0 && hour[row] <= 24 && minute[row] >= 0 && minute[row] < 60 && second[row] >= 0 &&
                       second[row] <= 60;
    const auto time = parts ? (hour[row] * 60 + minute[row]) * 60 * microseconds_per_second +
                                  static_cast<std::int64_t>(std::rint(second[row] * 1e6))
                            : microseconds_per_day + 1;
    const auto found = day_of(year[row], month[row], day[row]);
    if (time > microseconds_per_day || !found ||
        __builtin_mul_overflow(std::int64_t{*found}, microseconds_per_day, &out) ||
        __builtin_add_overflow(out, time, &out)) {
      std::string written;
      for (std::size_t i = 0; i < 6; ++i) written += (i == 0 ? "" : ", ") + argument_text(c, i, row);
      return failures.add(row, "out_of_range", "there is no time " + written);
    }
  });
}

node_ptr bind_make_timestamp(binder& b, const call_site& site) {
  const auto& i = arrow::int32();
  return bind_fixed(b, site, {i, i, i, i, i, arrow::float64()}, timestamp_type(), make_timestamp_kernel);
}

result<array_ptr> now_kernel(call& c) {
  auto values = allocate(8);
  std::memcpy(values->mutable_data(), &c.in.run.now_microseconds, 8);
  return make_array(c.type, 1, std::move(values), nullptr);
}

node_ptr bind_now(binder& b, const call_site& site) { return b.call(site.name, timestamptz_type(), {}, now_kernel); }

node_ptr bind_current_date(binder& b, const call_site& site) {
  return b.cast({b.call("now", timestamptz_type(), {}, now_kernel), site.at}, arrow::date32());
}

}  // namespace

const std::vector<function>& date_functions() {
  static const std::vector<function> all = {
      entry("current_date", "date", "current_date -> date", "the date of now() in the run's time zone",
            "current_date = now()::date", "true", 0, 0, bind_current_date),
      entry("current_timestamp", "date", "current_timestamp -> timestamptz", "the same as now()",
            "current_timestamp = now()", "true", 0, 0, bind_now),
      entry("date_trunc", "date", "date_trunc(unit, timestamp) -> timestamp",
            "the start of the second, minute, hour, day, week, month, quarter or year; for timestamptz in the run's "
            "time zone",
            "date_trunc('month', timestamp '2024-05-17 12:30:00')", "2024-05-01 00:00:00", 2, 2, bind_truncate),
      entry("make_date", "date", "make_date(year, month, day) -> date", "a date from its parts",
            "make_date(2024, 2, 29)", "2024-02-29", 3, 3, bind_make_date),
      entry("make_timestamp", "date", "make_timestamp(year, month, day, hour, minute, second) -> timestamp",
            "a timestamp from its parts", "make_timestamp(2024, 5, 1, 12, 30, 15.5)", "2024-05-01 12:30:15.5", 6, 6,
            bind_make_timestamp),
      entry("now", "date", "now() -> timestamptz", "the time at which the run was created; it is the same for all rows",
            "now() = now()", "true", 0, 0, bind_now),
  };
  return all;
}

}  // namespace sluice::expression
