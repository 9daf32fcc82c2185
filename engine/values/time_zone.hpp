#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace sluice {

/// Converts between UTC and local time of an IANA zone, in microseconds. Not shared by threads: it remembers the last
/// period without a change of offset.
class zone_clock {
 public:
  /// Finds a zone; the error is unknown_timezone.
  static result<zone_clock> find(const std::string& name);

  [[nodiscard]] std::int64_t to_local(std::int64_t utc);
  /// Local times that a clock change skips or repeats are read as PostgreSQL does: with the offset before the gap, with
  /// standard time where the hour comes twice.
  [[nodiscard]] std::int64_t to_utc(std::int64_t local);

 private:
  const void* zone_ = nullptr;  // of the vendored date library; null: UTC
  std::int64_t begin_ = 1;      // the period in UTC seconds that `offset_` holds for
  std::int64_t end_ = 0;
  std::int64_t offset_ = 0;  // seconds
};

}  // namespace sluice
