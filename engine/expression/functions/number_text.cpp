// to_char of numbers and to_number.
#include "engine/expression/functions/number_text.hpp"

#include "engine/expression/functions/number_format.hpp"
#include "engine/values/value_parse.hpp"

#include <cmath>
#include <cstdio>

namespace sluice::expression {

namespace {

/// Moves the point of a number, given without sign, by so many places to the right.
std::string shifted(std::string digits, int places) {
  auto point = digits.find('.');
  if (point == std::string::npos) point = digits.size(), digits += '.';
  digits.erase(point, 1);
  const auto wanted = point + static_cast<std::size_t>(places);
  if (digits.size() < wanted) digits.append(wanted - digits.size(), '0');
  if (wanted < digits.size()) digits.insert(wanted, 1, '.');
  const auto first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  return digits[first] == '.' ? digits.substr(first - 1) : digits.substr(first);
}

/// Rounds half away from zero to so many places, and fills up with zeros.
std::string rounded(std::string digits, int places) {
  auto point = digits.find('.');
  if (point == std::string::npos) point = digits.size(), digits += '.';
  const auto end = point + 1 + static_cast<std::size_t>(places);
  if (digits.size() < end) digits.append(end - digits.size(), '0');
  const bool up = digits.size() > end && digits[end] >= '5';
  digits.resize(end);
  for (auto at = end; up && at-- > 0;) {
    if (digits[at] == '.') continue;
    if (digits[at]++ < '9') break;
    digits[at] = '0';
    if (at == 0) digits.insert(0, 1, '1');
  }
  if (places == 0) digits.pop_back();
  return digits;
}

/// A double as PostgreSQL formats it: at most 15 digits.
std::string digits_of(double value, int& places) {
  char text[400];
  const auto whole = std::snprintf(text, sizeof text, "%.0f", value);
  constexpr int most = 15;
  if (whole >= most)
    places = 0;
  else if (whole + places > most)
    places = most - whole;
  std::snprintf(text, sizeof text, "%.*f", places, value);
  return text;
}

std::string scientific(double value, int places) {
  char text[400];
  std::snprintf(text, sizeof text, "%+.*e", places, value);
  if (text[0] == '+') text[0] = ' ';
  return text;
}

result<array_ptr> to_char_kernel(call& c) {
  const auto& format = *static_cast<const number_format*>(c.state);
  const bool floating = c.args[0].array->type_id() == arrow::Type::DOUBLE;
  const column_of<double> doubles(c.args[0]);
  return build_texts(c.type, c.rows, all_valid(c.args, c.rows), [&](std::int64_t row, text_builder& out) {
    std::string made;
    auto digits = floating ? std::string() : argument_text(c, 0, row);
    double value = floating ? doubles[row] : 0;
    if (!floating && (format.is_scientific() || format.is_roman())) value = std::strtod(digits.c_str(), nullptr);
    if (format.is_scientific()) {
      made = scientific(value, format.digits_behind());
    } else if (format.is_roman()) {
      const auto whole = std::round(value);
      format.write_roman(made, std::abs(whole) < 10'000 ? std::optional(static_cast<int>(whole)) : std::nullopt);
    } else if (floating) {
      const bool negative = std::signbit(value);
      value = std::abs(value) * std::pow(10.0, format.shift());
      int places = format.digits_behind();
      format.write(made, digits_of(value, places), negative);
    } else {
      const bool negative = digits[0] == '-';
      if (negative) digits.erase(0, 1);
      digits = rounded(shifted(std::move(digits), format.shift()), format.digits_behind());
      format.write(made, digits, negative && digits.find_first_of("123456789") != std::string::npos);
    }
    out.append(made);
  });
}

template <class Value>
result<array_ptr> to_number_kernel(call& c) {
  const auto& format = *static_cast<const number_format*>(c.state);
  const auto& type = static_cast<const arrow::DecimalType&>(*c.type);
  const texts_of from(c.args[0]);
  row_failures failures(c);
  std::string digits;
  return fill_rows<Value>(c, failures, [&](std::int64_t row, Value& out) {
    bool good = format.read(from[row], digits);
    if (good && format.shift() > 0) {
      // As many digits go behind the point.
      const bool negative = digits[0] == '-';
      auto plain = negative ? digits.substr(1) : digits;
      const auto shift = static_cast<std::size_t>(format.shift());
      if (plain.size() <= shift) plain.insert(0, shift - plain.size() + 1, '0');
      plain.insert(plain.size() - shift, 1, '.');
      digits = (negative ? "-" : "") + plain;
    }
    const auto read = good ? parse_decimal(digits, type.precision(), type.scale(), out) : parsed::malformed;
    if (read == parsed::good) return;
    out = Value{};
    failures.add(row, read == parsed::out_of_range ? "out_of_range" : "invalid_cast",
                 "'" + std::string(from[row]) + "' does not follow the format '" + argument_text(c, 1, row) + "'");
  });
}

std::shared_ptr<const number_format> format_of(binder& b, const call_site& site, const node_ptr& format) {
  const auto text = constant_text(format);
  if (!text) {
    b.fault(site.args[1].at, "not_supported_yet", "the format of " + site.name + " must be a constant text");
    return nullptr;
  }
  std::string why;
  auto made = number_format::parse(*text, why);
  if (!made) {
    b.fault(site.args[1].at, "invalid_pattern", "the format '" + *text + "' " + why,
            "write '999,990.00' or 'FM9990.0099'");
    return nullptr;
  }
  return std::make_shared<const number_format>(std::move(*made));
}

node_ptr bind_to_number(binder& b, const call_site& site) {
  auto inputs = arguments(b, site, {arrow::utf8()});
  if (inputs.empty()) return nullptr;
  auto format = format_of(b, site, inputs[1]);
  if (!format) return nullptr;
  if (format->is_roman() || format->is_scientific())
    return b.fault(site.args[1].at, "not_supported_yet", "RN and EEEE are not supported in to_number");
  const int scale = format->digits_behind() + format->shift();
  const auto type = make_decimal(std::max(format->digits_before() + scale, 1), scale, true);
  if (scale > 76 || format->digits_before() + scale > 76)
    return b.fault(site.args[1].at, "invalid_pattern", "the format has more than 76 digits");
  const auto run = type->id() == arrow::Type::DECIMAL128 ? to_number_kernel<int128> : to_number_kernel<wide_words>;
  return b.call(site.name, type, std::move(inputs), run, {.state = std::move(format)});
}

}  // namespace

node_ptr bind_number_to_char(binder& b, const call_site& site) {
  auto value = site.args[0].value;
  if (value->type->id() == arrow::Type::FLOAT) value = b.cast({value, site.args[0].at}, arrow::float64());
  auto text = b.coerce(site.args[1], arrow::utf8(), site.name);
  if (!value || !text) return nullptr;
  auto format = format_of(b, site, text);
  if (!format) return nullptr;
  return b.call(site.name, arrow::utf8(), {std::move(value), std::move(text)}, to_char_kernel,
                {.state = std::move(format)});
}

const std::vector<function>& number_text_functions() {
  static const std::vector<function> all = {
      entry(
          "to_number", "conversion", "to_number(text, format) -> decimal",
          "reads a number by a format as in to_char: 9 and 0 are digits, D or . the point, G or , separates thousands, "
          "S MI PL SG PR signs",
          "to_number('1,234.50-', '9G999D99S')", "-1234.50", 2, 2, bind_to_number),
  };
  return all;
}

}  // namespace sluice::expression
