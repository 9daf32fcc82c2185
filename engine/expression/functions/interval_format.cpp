// to_char of intervals.
#include "engine/expression/functions/interval_format.hpp"

#include "engine/expression/functions/date_format.hpp"

#include <cstdlib>

namespace sluice::expression {

namespace {

/// The parts of an interval as PostgreSQL shows them: hours go on beyond a day, and each part has its own sign.
struct interval_parts_shown {
  std::int64_t years, months, days, hours, minutes, seconds, microseconds;

  explicit interval_parts_shown(const arrow::MonthDayNanoIntervalType::MonthDayNanos& from)
      : years(from.months / 12), months(from.months % 12), days(from.days) {
    auto rest = from.nanoseconds / 1000;
    microseconds = rest % 1'000'000;
    rest /= 1'000'000;
    seconds = rest % 60;
    rest /= 60;
    minutes = rest % 60;
    hours = rest / 60;
  }
};

void append_number(std::string& out, std::int64_t value, std::size_t width, const date_item& item) {
  const auto digits = std::to_string(std::abs(value));
  if (value < 0) out += '-';
  if (item.padded && digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

bool is_shown(date_part part) {
  switch (part) {
    case date_part::literal:
    case date_part::year:
    case date_part::year2:
    case date_part::month:
    case date_part::day:
    case date_part::day_of_year:
    case date_part::hour24:
    case date_part::hour12:
    case date_part::minute:
    case date_part::second:
    case date_part::second_of_day:
    case date_part::fraction:
    case date_part::meridiem:
      return true;
    default:
      return false;
  }
}

void append_item(std::string& out, const date_item& item, const interval_parts_shown& of) {
  constexpr std::int64_t powers[] = {1, 10, 100, 1000, 10'000, 100'000, 1'000'000};
  switch (item.part) {
    case date_part::year:
    case date_part::year2:
      return append_number(out, item.digits < 4 ? of.years % powers[item.digits] : of.years,
                           static_cast<std::size_t>(item.digits), item);
    case date_part::month:
      return append_number(out, of.months, 2, item);
    case date_part::day:
      // The sign counts as a digit here.
      return append_number(out, of.days, of.days < 0 ? 1 : 2, item);
    case date_part::day_of_year:
      return append_number(out, (of.years * 12 + of.months) * 30 + of.days, 3, item);
    case date_part::hour24:
      return append_number(out, of.hours, 2, item);
    case date_part::hour12:
      return append_number(out, of.hours % 12 == 0 ? 12 : of.hours % 12, 2, item);
    case date_part::minute:
      return append_number(out, of.minutes, 2, item);
    case date_part::second:
      return append_number(out, of.seconds, 2, item);
    case date_part::second_of_day:
      return append_number(out, (of.hours * 60 + of.minutes) * 60 + of.seconds, 1, item);
    case date_part::fraction: {
      auto padded = item;
      padded.padded = true;
      return append_number(out, of.microseconds / powers[6 - item.digits], static_cast<std::size_t>(item.digits),
                           padded);
    }
    case date_part::meridiem: {
      const bool late = of.hours % 24 >= 12;
      std::string_view text = item.dotted ? (late ? "P.M." : "A.M.") : (late ? "PM" : "AM");
      for (const char c : text) out += item.letters == letter_case::lower && c >= 'A' ? static_cast<char>(c + 32) : c;
      return;
    }
    default:
      out += item.literal;
  }
}

result<array_ptr> to_char_kernel(call& c) {
  const auto& items = *static_cast<const date_format*>(c.state);
  const column_of<arrow::MonthDayNanoIntervalType::MonthDayNanos> from(c.args[0]);
  std::string text;
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    text.clear();
    const interval_parts_shown parts(from[row]);
    for (const auto& item : items) append_item(text, item, parts);
    out.append(text);
  });
}

}  // namespace

node_ptr bind_interval_to_char(binder& b, const call_site& site) {
  const auto text = constant_text(site.args[1].value);
  if (!text)
    return b.fault(site.args[1].at, "not_supported_yet", "a format that is not a constant is not supported yet",
                   "write a constant: 'HH24:MI:SS'");
  format_fault fault;
  auto items = read_date_format(*text, format_use::writing, fault);
  if (!items)
    return b.fault(site.args[1].at, "invalid_pattern", "the format '" + *text + "' " + fault.message, fault.hint);
  for (const auto& item : *items)
    if (!is_shown(item.part) || item.suffix != ordinal::none)
      return b.fault(site.args[1].at, "invalid_pattern",
                     "the format '" + *text + "' has a part that intervals do not have",
                     "intervals have YYYY MM DD DDD HH24 HH12 MI SS SSSS MS US AM");
  return b.call(site.name, arrow::utf8(), {site.args[0].value, b.settle(site.args[1])}, to_char_kernel,
                {.state = std::make_shared<const date_format>(std::move(*items))});
}

}  // namespace sluice::expression
