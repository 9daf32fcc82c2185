#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice {

class zone_rules;

/// Converts between UTC and the local time of an IANA zone, in microseconds since 1970. The offsets are those of the
/// system's zone files (TZDIR, or /usr/share/zoneinfo) with the rule for the future that ends them, so they hold for
/// every year; a file is read once in a process. Not shared by threads: it remembers the last period without a change
/// of offset, so that a column of neighbouring times costs a comparison each.
class zone_clock {
 public:
  /// UTC, which needs no file.
  zone_clock() = default;
  /// Finds a zone by its name ("Europe/Berlin"; UTC, Etc/UTC, GMT and "" are always there). The errors are
  /// unknown_timezone and invalid_timezone_file.
  static result<zone_clock> find(const std::string& name);

  [[nodiscard]] std::int64_t to_local(std::int64_t utc) {
    if (!rules_) return utc;
    const auto seconds = floor_to_seconds(utc);
    if (seconds < begin_ || seconds >= end_) remember(seconds);
    return add(utc, offset_);
  }
  /// Local times that a clock change skips or repeats are read as PostgreSQL does: a skipped one with the offset before
  /// the gap, a repeated one with the offset after the change.
  [[nodiscard]] std::int64_t to_utc(std::int64_t local) {
    if (!rules_) return local;
    const auto seconds = floor_to_seconds(local);
    // Three days off the ends of a period no change of offset can touch a local time.
    constexpr std::int64_t margin = 3 * 86'400;
    if (seconds - margin >= begin_ && seconds + margin < end_) return add(local, -offset_);
    return add(local, -offset_of_local(seconds));
  }

  /// Seconds east of UTC.
  [[nodiscard]] std::int64_t offset_at(std::int64_t utc);
  /// What clocks call the local time: CEST, or -03 where it has no name. Valid while the clock or a copy lives.
  [[nodiscard]] std::string_view abbreviation_at(std::int64_t utc) const;

 private:
  static std::int64_t floor_to_seconds(std::int64_t microseconds) {
    constexpr std::int64_t second = 1'000'000;
    return microseconds / second - (microseconds % second < 0);
  }
  // Wraps around at the ends of the range of timestamps, where no offset is of use.
  static std::int64_t add(std::int64_t microseconds, std::int64_t seconds) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(microseconds) +
                                     static_cast<std::uint64_t>(seconds) * 1'000'000);
  }
  void remember(std::int64_t utc_seconds);
  std::int64_t offset_of_local(std::int64_t local_seconds);

  std::shared_ptr<const zone_rules> rules_;  // null: UTC
  const char* utc_name_ = "UTC";
  std::int64_t begin_ = 1;  // the period in UTC seconds that `offset_` holds for
  std::int64_t end_ = 0;
  std::int64_t offset_ = 0;  // seconds
};

}  // namespace sluice
