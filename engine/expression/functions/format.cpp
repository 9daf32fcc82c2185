#include "engine/expression/functions/date_format.hpp"
#include "engine/expression/functions/interval_format.hpp"
#include "engine/expression/functions/number_text.hpp"
#include "engine/expression/functions/support.hpp"
#include "engine/values/calendar.hpp"
#include "engine/values/time_zone.hpp"
#include "engine/values/types.hpp"

#include <cmath>

namespace sluice::expression {

namespace {

// The format, which must be known now.
std::shared_ptr<const date_format> format_of(binder& b, const argument& from, format_use use) {
  const auto text = constant_text(from.value);
  if (!text) {
    b.fault(from.at, "not_supported_yet", "a format that is not a constant is not supported yet",
            "write a constant: 'YYYY-MM-DD'");
    return nullptr;
  }
  format_fault fault;
  auto items = read_date_format(*text, use, fault);
  if (items) return std::make_shared<const date_format>(std::move(*items));
  b.fault(from.at, "invalid_pattern", "the format '" + *text + "' " + fault.message, fault.hint);
  return nullptr;
}

result<array_ptr> to_char_kernel(call& c) {
  const auto& items = *static_cast<const date_format*>(c.state);
  const bool zoned = is_timestamptz(*c.args[0].array->type());
  SLUICE_ASSIGN(auto clock, zone_clock::find(zoned ? c.in.run.timezone : "UTC"));
  const column_of<std::int64_t> from(c.args[0]);
  // A timestamp has no zone to show: its name is empty, its offset 0.
  const bool shows_zone = zoned && needs_zone(items);
  std::string text;
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    text.clear();
    const auto at = from[row];
    if (shows_zone)
      append_date(text, items, clock.to_local(at), {.offset = clock.offset_at(at), .name = clock.abbreviation_at(at)});
    else
      append_date(text, items, clock.to_local(at));
    out.append(text);
  });
}

node_ptr bind_to_char(binder& b, const call_site& site) {
  auto value = b.settle(site.args[0]);
  if (!value) return nullptr;
  if (is_number_type(*value->type) && site.name == "to_char") return bind_number_to_char(b, site);
  if (value->type->id() == arrow::Type::INTERVAL_MONTH_DAY_NANO)
    return bind_interval_to_char(b, {site.name, site.at, {{value, site.args[0].at}, site.args[1]}});
  const auto items = format_of(b, site.args[1], format_use::writing);
  if (!items) return nullptr;
  // A day begins where the zone says, so it has an offset.
  if (value->type->id() == arrow::Type::DATE32)
    value = b.cast({value, site.args[0].at}, needs_zone(*items) ? timestamptz_type() : timestamp_type());
  if (value->type->id() == arrow::Type::TIME64)
    value = b.call(
        "+", timestamp_type(),
        {b.cast(
             {std::make_shared<constant_node>(*arrow::MakeArrayFromScalar(arrow::StringScalar("1970-01-01"), 1), true),
              site.at},
             arrow::date32()),
         value},
        find_temporal_kernel(arithmetic::add, *arrow::date32(), *value->type).run, {.form = notation::infix});
  if (value->type->id() != arrow::Type::TIMESTAMP)
    return b.fault(site.args[0].at, "type_mismatch",
                   site.name + " expects a date or timestamp, found " + type_name(*value->type),
                   is_text_type(*value->type) ? "cast it: " + text_of(*value) + "::timestamp" : "");
  return b.call(site.name, arrow::utf8(), {value, b.settle(site.args[1])}, to_char_kernel, {.state = items});
}

enum class target { date, timestamp, timestamptz };

template <target To>
result<array_ptr> parse_kernel(call& c) {
  using out_type = std::conditional_t<To == target::date, std::int32_t, std::int64_t>;
  const auto& items = *static_cast<const date_format*>(c.state);
  SLUICE_ASSIGN(auto clock, zone_clock::find(To == target::timestamptz ? c.in.run.timezone : "UTC"));
  const texts_of from(c.args[0]);
  row_failures failures(c);
  return fill_rows<out_type>(c, failures, [&](std::int64_t row, out_type& out) {
    std::int64_t local = 0;
    if (!parse_date(from[row], items, local))
      return failures.add(row, "invalid_cast",
                          "expected a " + type_name(*c.type) + " as '" + argument_text(c, 1, row) + "', found '" +
                              std::string(from[row].substr(0, 60)) + "'");
    out = static_cast<out_type>(To == target::date ? floor_div(local, microseconds_per_day) : clock.to_utc(local));
  });
}

template <target To>
node_ptr bind_parse(binder& b, const call_site& site, const type_ptr& type) {
  auto value = b.coerce(site.args[0], arrow::utf8(), "argument 1 of " + site.name);
  const auto items = format_of(b, site.args[1], format_use::reading);
  return value && items ? b.call(site.name, type, {value, b.settle(site.args[1])}, parse_kernel<To>, {.state = items})
                        : nullptr;
}

result<array_ptr> from_epoch_kernel(call& c) {
  const column_of<double> from(c.args[0]);
  row_failures failures(c);
  return fill_rows<std::int64_t>(c, failures, [&](std::int64_t row, std::int64_t& out) {
    const double microseconds = from[row] * 1e6;
    if (!(std::fabs(microseconds) < 9.2e18))
      return failures.add(row, "out_of_range",
                          argument_text(c, 0, row) + " seconds are out of the range of timestamptz");
    out = std::llround(microseconds);
  });
}

node_ptr bind_to_date(binder& b, const call_site& site) { return bind_parse<target::date>(b, site, arrow::date32()); }
node_ptr bind_strptime(binder& b, const call_site& site) {
  return bind_parse<target::timestamp>(b, site, timestamp_type());
}
node_ptr bind_to_timestamp(binder& b, const call_site& site) {
  if (site.args.size() == 1) return bind_fixed(b, site, {arrow::float64()}, timestamptz_type(), from_epoch_kernel);
  return bind_parse<target::timestamptz>(b, site, timestamptz_type());
}

}  // namespace

const std::vector<function>& format_functions() {
  static const std::vector<function> all = {
      entry("strftime", "date", "strftime(timestamp, format) -> text",
            "formats as text with a format such as '%d.%m.%Y %H:%M'", "strftime(date '2024-05-01', '%d.%m.%Y')",
            "01.05.2024", 2, 2, bind_to_char),
      entry("strptime", "date", "strptime(text, format) -> timestamp",
            "parses text with a format such as '%d.%m.%Y %H:%M'; text that does not match it is a row error",
            "strptime('01.05.2024 12:30', '%d.%m.%Y %H:%M')", "2024-05-01 12:30:00", 2, 2, bind_strptime),
      entry("to_char", "date", "to_char(timestamp, interval or number, format) -> text",
            "formats as text with PostgreSQL's patterns: YYYY MM Mon Month DD Dy Day Q IYYY IW HH24 HH12 MI SS MS US "
            "AM TZ ...; FM before a part removes padding, TH after it adds st, nd, rd or th; or with %Y, %m, ...; "
            "numbers with 9 0 . , D G FM MI PL SG S PR TH V RN EEEE",
            "to_char(timestamp '2024-05-01 12:30:00', 'DD.MM.YYYY HH24:MI')", "01.05.2024 12:30", 2, 2, bind_to_char),
      entry("to_date", "date", "to_date(text, format) -> date",
            "parses text with a format as in to_char or strftime; text that does not match it is a row error",
            "to_date('01.05.2024', 'DD.MM.YYYY')", "2024-05-01", 2, 2, bind_to_date),
      entry("to_timestamp", "date", "to_timestamp(text, format) or to_timestamp(seconds) -> timestamptz",
            "parses text with a format, in the run's time zone; or converts seconds since 1970",
            "to_timestamp(1714564800.5)", "2024-05-01 12:00:00.5+00", 1, 2, bind_to_timestamp),
  };
  return all;
}

}  // namespace sluice::expression
