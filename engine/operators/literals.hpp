#pragma once

#include "engine/component/options.hpp"

#include <cmath>
#include <cstdint>
#include <string>

namespace sluice {

/// A number, boolean or text of an option as it was written; YAML's 10 may be held as a double.
inline std::string plain_text(const options& value) {
  if (value.is_string()) return value.text();
  if (value.is_number_float()) {
    const auto number = value.get<double>();
    if (number == std::trunc(number) && std::abs(number) < 1e15)
      return std::to_string(static_cast<std::int64_t>(number));
  }
  return value.dump();
}

/// The same as a literal of an expression: text in quotes.
inline std::string literal_of(const options& value) {
  if (!value.is_string()) return plain_text(value);
  std::string made = "'";
  for (const char each : value.text()) {
    if (each == '\'') made += each;
    made += each;
  }
  return made + "'";
}

}  // namespace sluice
