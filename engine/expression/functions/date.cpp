#include "engine/error/names.hpp"
#include "engine/expression/functions/support.hpp"
#include "engine/values/calendar.hpp"
#include "engine/values/time_zone.hpp"
#include "engine/values/types.hpp"

#include <cctype>
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

result<array_ptr> now_kernel(call& c) {
  auto values = allocate(8);
  std::memcpy(values->mutable_data(), &c.in.run.now_microseconds, 8);
  return make_array(c.type, 1, std::move(values), nullptr);
}

node_ptr bind_now(binder& b, const call_site& site) { return b.call(site.name, timestamptz_type(), {}, now_kernel); }

/// Known where the default of a param is computed, under a name that no param can have.
node_ptr bind_due_at(binder& b, const call_site& site) {
  const auto* context = b.names().context;
  const auto found = context == nullptr ? nullptr : [&]() -> std::shared_ptr<arrow::Scalar> {
    const auto param = context->params.find("due_at()");
    return param == context->params.end() ? nullptr : param->second;
  }();
  if (found == nullptr)
    return b.fault(site.at, "unknown_time", "due_at() is known only in the default of a param",
                   "declare params: { due: { type: timestamptz, default: { sql: \"due_at()\" } } } and write $due");
  auto value = arrow::MakeArrayFromScalar(*found, 1);
  if (!value.ok()) return b.fault(site.at, "internal_error", value.status().message());
  return std::make_shared<constant_node>(std::move(value).ValueUnsafe());
}

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
      entry("due_at", "date", "due_at() -> timestamptz",
            "the time at which the run was due by its schedule, else the time at which it was created; only in the "
            "default of a param",
            "due_at() = now()", "true", 0, 0, bind_due_at),
      entry("now", "date", "now() -> timestamptz", "the time at which the run was created; it is the same for all rows",
            "now() = now()", "true", 0, 0, bind_now),
  };
  return all;
}

}  // namespace sluice::expression
