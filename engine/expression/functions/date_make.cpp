// Dates, times and intervals from their parts.
#include "engine/expression/functions/named_zones.hpp"
#include "engine/expression/functions/support.hpp"
#include "engine/values/calendar.hpp"
#include "engine/values/intervals.hpp"
#include "engine/values/time_zone.hpp"
#include "engine/values/types.hpp"

#include <cmath>
#include <optional>

namespace sluice::expression {

namespace {

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

// The microseconds of a time of day. Seconds are rounded to microseconds before they are checked, as PostgreSQL does
// (float_time_overflows): -3e-14 is 0, and 59.9999999 is the next minute. Second 60 is the next minute, and 24:00 the
// end of the day.
std::optional<std::int64_t> time_of(std::int32_t hour, std::int32_t minute, double second) {
  const double fine = std::rint(second * 1e6);
  if (hour < 0 || hour > 24 || minute < 0 || minute >= 60 || !(fine >= 0 && fine <= 60e6)) return {};
  const auto time = (hour * 60 + minute) * 60 * microseconds_per_second + static_cast<std::int64_t>(fine);
  return time <= microseconds_per_day ? std::optional(time) : std::nullopt;
}

// The first `count` arguments of a row, for messages.
std::string written(const call& c, std::size_t count, std::int64_t row) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += (i == 0 ? "" : ", ") + argument_text(c, i, row);
  return text;
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

result<array_ptr> make_time_kernel(call& c) {
  const column_of<std::int32_t> hour(c.args[0]), minute(c.args[1]);
  const column_of<double> second(c.args[2]);
  row_failures failures(c);
  return fill_rows<std::int64_t>(c, failures, [&](std::int64_t row, std::int64_t& out) {
    const auto found = time_of(hour[row], minute[row], second[row]);
    // The type time ends before 24:00, as Arrow's does.
    if (!found || *found == microseconds_per_day)
      return failures.add(row, "out_of_range", "there is no time " + written(c, 3, row));
    out = *found;
  });
}

// Reads the local time of the first six arguments.
struct local_parts {
  explicit local_parts(const call& c)
      : year(c.args[0]), month(c.args[1]), day(c.args[2]), hour(c.args[3]), minute(c.args[4]), second(c.args[5]) {}
  bool read(std::int64_t row, std::int64_t& out) const {
    const auto time = time_of(hour[row], minute[row], second[row]);
    const auto found = day_of(year[row], month[row], day[row]);
    return time && found && !__builtin_mul_overflow(std::int64_t{*found}, microseconds_per_day, &out) &&
           !__builtin_add_overflow(out, *time, &out);
  }
  column_of<std::int32_t> year, month, day, hour, minute;
  column_of<double> second;
};

result<array_ptr> make_timestamp_kernel(call& c) {
  const local_parts parts(c);
  row_failures failures(c);
  return fill_rows<std::int64_t>(c, failures, [&](std::int64_t row, std::int64_t& out) {
    if (!parts.read(row, out)) failures.add(row, "out_of_range", "there is no time " + written(c, 6, row));
  });
}

// In the run's time zone, or in that of the seventh argument.
result<array_ptr> make_timestamptz_kernel(call& c) {
  const local_parts parts(c);
  row_failures failures(c);
  if (c.args.size() == 6) {
    SLUICE_ASSIGN(auto clock, zone_clock::find(c.in.run.timezone));
    return fill_rows<std::int64_t>(c, failures, [&](std::int64_t row, std::int64_t& out) {
      if (!parts.read(row, out)) return failures.add(row, "out_of_range", "there is no time " + written(c, 6, row));
      out = clock.to_utc(out);
    });
  }
  const texts_of zone(c.args[6]);
  named_zones zones;
  return fill_rows<std::int64_t>(c, failures, [&](std::int64_t row, std::int64_t& out) {
    auto* clock = zones.find(zone[row]);
    if (clock == nullptr) return failures.add(row, "unknown_timezone", zones.problem());
    if (!parts.read(row, out)) return failures.add(row, "out_of_range", "there is no time " + written(c, 6, row));
    out = clock->to_utc(out);
  });
}

result<array_ptr> make_interval_kernel(call& c) {
  const column_of<std::int32_t> years(c.args[0]), months(c.args[1]), weeks(c.args[2]), days(c.args[3]),
      hours(c.args[4]), minutes(c.args[5]);
  const column_of<double> seconds(c.args[6]);
  row_failures failures(c);
  return fill_rows<interval>(c, failures, [&](std::int64_t row, interval& out) {
    const auto all_months = std::int64_t{years[row]} * 12 + months[row];
    const auto all_days = std::int64_t{weeks[row]} * 7 + days[row];
    const double fine = std::rint(seconds[row] * 1e6);
    std::int64_t time = std::int64_t{hours[row]} * 3600 + std::int64_t{minutes[row]} * 60;
    if (!(std::fabs(fine) < 9.2e18) || all_months != static_cast<std::int32_t>(all_months) ||
        all_days != static_cast<std::int32_t>(all_days) ||
        __builtin_mul_overflow(time, microseconds_per_second, &time) ||
        __builtin_add_overflow(time, static_cast<std::int64_t>(fine), &time) ||
        __builtin_mul_overflow(time, std::int64_t{1000}, &time))
      return failures.add(row, "out_of_range", "the interval is out of range");
    out = {static_cast<std::int32_t>(all_months), static_cast<std::int32_t>(all_days), time};
  });
}

node_ptr bind_make_date(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::int32()}, arrow::date32(), make_date_kernel);
}

node_ptr bind_make_time(binder& b, const call_site& site) {
  return bind_fixed(b, site, {arrow::int32(), arrow::int32(), arrow::float64()}, time_type(), make_time_kernel);
}

node_ptr bind_make_timestamp(binder& b, const call_site& site) {
  const auto& i = arrow::int32();
  return bind_fixed(b, site, {i, i, i, i, i, arrow::float64()}, timestamp_type(), make_timestamp_kernel);
}

node_ptr bind_make_timestamptz(binder& b, const call_site& site) {
  const auto& i = arrow::int32();
  return bind_fixed(b, site, {i, i, i, i, i, arrow::float64(), arrow::utf8()}, timestamptz_type(),
                    make_timestamptz_kernel);
}

// What is left out is 0.
node_ptr bind_make_interval(binder& b, const call_site& site) {
  auto whole = site;
  const auto zero = std::make_shared<constant_node>(arrow::MakeArrayFromScalar(arrow::Int32Scalar(0), 1).ValueOrDie());
  while (whole.args.size() < 7) whole.args.push_back({zero, site.at});
  const auto& i = arrow::int32();
  return bind_fixed(b, whole, {i, i, i, i, i, i, arrow::float64()}, interval_type(), make_interval_kernel);
}

// --- at time zone

template <bool ToUtc>
result<array_ptr> timezone_kernel(call& c) {
  const texts_of zone(c.args[0]);
  const column_of<std::int64_t> at(c.args[1]);
  named_zones zones;
  row_failures failures(c);
  return fill_rows<std::int64_t>(c, failures, [&](std::int64_t row, std::int64_t& out) {
    auto* clock = zones.find(zone[row]);
    if (clock == nullptr) return failures.add(row, "unknown_timezone", zones.problem());
    out = ToUtc ? clock->to_utc(at[row]) : clock->to_local(at[row]);
  });
}

// An interval is an offset to the east.
template <bool ToUtc>
result<array_ptr> offset_kernel(call& c) {
  const column_of<interval> offset(c.args[0]);
  const column_of<std::int64_t> at(c.args[1]);
  row_failures failures(c);
  return fill_rows<std::int64_t>(c, failures, [&](std::int64_t row, std::int64_t& out) {
    const auto by = offset[row];
    const auto east = by.nanoseconds / 1000;
    if (by.months != 0 || by.days != 0 ||
        (ToUtc ? __builtin_sub_overflow(at[row], east, &out) : __builtin_add_overflow(at[row], east, &out)))
      failures.add(row, "out_of_range",
                   "an offset of a time zone has hours, minutes and seconds only, found " + argument_text(c, 0, row));
  });
}

node_ptr bind_timezone(binder& b, const call_site& site) {
  auto zone = b.settle(site.args[0]);
  auto value = b.settle(site.args[1]);
  if (!zone || !value) return nullptr;
  const bool offset = zone->type->id() == arrow::Type::INTERVAL_MONTH_DAY_NANO;
  if (!offset) zone = b.coerce({zone, site.args[0].at}, arrow::utf8(), "the zone of at time zone");
  // As in PostgreSQL: a date or a bare text is a timestamptz here.
  const bool local = value->type->id() == arrow::Type::TIMESTAMP && !is_timestamptz(*value->type);
  if (!local) value = b.coerce(site.args[1], timestamptz_type(), "at time zone");
  if (!zone || !value) return nullptr;
  if (const auto name = constant_text(zone); name) {
    named_zones zones;
    if (zones.find(*name) == nullptr) return b.fault(site.args[0].at, "unknown_timezone", zones.problem());
  }
  const auto run = offset ? (local ? offset_kernel<true> : offset_kernel<false>)
                          : (local ? timezone_kernel<true> : timezone_kernel<false>);
  return b.call("timezone", local ? timestamptz_type() : timestamp_type(), {zone, value}, run);
}

}  // namespace

const std::vector<function>& date_make_functions() {
  static const std::vector<function> all = {
      entry("make_date", "date", "make_date(year, month, day) -> date", "a date from its parts",
            "make_date(2024, 2, 29)", "2024-02-29", 3, 3, bind_make_date),
      entry("make_interval", "date",
            "make_interval([years [, months [, weeks [, days [, hours [, mins [, secs]]]]]]]) -> interval",
            "an interval from its parts; what is left out is 0, and parts can be named: make_interval(days => 10)",
            "make_interval(0, 1, 0, 10)", "1 mon 10 days", 0, 7, bind_make_interval,
            {"years", "months", "weeks", "days", "hours", "mins", "secs"}),
      entry("make_time", "date", "make_time(hour, minute, second) -> time", "a time of day from its parts",
            "make_time(8, 15, 23.5)", "08:15:23.5", 3, 3, bind_make_time),
      entry("make_timestamp", "date", "make_timestamp(year, month, day, hour, minute, second) -> timestamp",
            "a timestamp from its parts", "make_timestamp(2024, 5, 1, 12, 30, 15.5)", "2024-05-01 12:30:15.5", 6, 6,
            bind_make_timestamp),
      entry("make_timestamptz", "date",
            "make_timestamptz(year, month, day, hour, minute, second [, zone]) -> timestamptz",
            "a moment from its local parts, in the run's time zone unless one is named",
            "make_timestamptz(2024, 5, 1, 12, 30, 15.5, 'Europe/Berlin')", "2024-05-01 10:30:15.5+00", 6, 7,
            bind_make_timestamptz),
      entry("timezone", "date", "timestamp at time zone zone, timezone(zone, timestamp)",
            "a timestamp as the moment at which clocks in the zone show it, a timestamptz as what they show then; the "
            "zone is a name, or an interval to the east",
            "timestamp '2024-05-01 12:00:00' at time zone 'Europe/Berlin'", "2024-05-01 10:00:00+00", 2, 2,
            bind_timezone),
  };
  return all;
}

}  // namespace sluice::expression
