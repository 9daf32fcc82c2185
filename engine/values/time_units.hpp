#pragma once

#include "engine/values/calendar.hpp"

#include <arrow/type_fwd.h>

#include <cstdint>

namespace sluice {

/// Turns a time of an Arrow column into microseconds; nanoseconds are rounded down, also before 1970.
inline std::int64_t to_microseconds(std::int64_t value, arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return value * 1'000'000;
    case arrow::TimeUnit::MILLI:
      return value * 1'000;
    case arrow::TimeUnit::MICRO:
      return value;
    case arrow::TimeUnit::NANO:
      return floor_div(value, 1'000);
  }
  return value;
}

}  // namespace sluice
