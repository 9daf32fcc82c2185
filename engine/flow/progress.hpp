#pragma once

#include <cstdint>
#include <optional>

namespace sluice::flow {

/// Turns counts into a rate, smoothed over some seconds. Times are microseconds of any steady clock.
class rate_meter {
 public:
  /// The count stood at `total` at `now`.
  void at(std::int64_t now, std::uint64_t total);
  /// Per second, recently.
  [[nodiscard]] std::uint64_t per_second() const;

 private:
  std::int64_t last_time_ = -1;
  std::uint64_t last_total_ = 0;
  double rate_ = -1;
};

/// Says how much of a known amount is done and how long the rest takes.
class progress_meter {
 public:
  /// How much there is; unknown (nullopt) until a source has found its splits, or where it can't say.
  void expect(std::optional<std::uint64_t> total) { total_ = total; }
  void at(std::int64_t now, std::uint64_t done);
  /// Millionths; nullopt where unknown.
  [[nodiscard]] std::optional<std::int64_t> done_ppm() const;
  /// Microseconds; nullopt where unknown.
  [[nodiscard]] std::optional<std::int64_t> left() const;

 private:
  std::optional<std::uint64_t> total_;
  std::uint64_t done_ = 0;
  rate_meter rate_;
};

}  // namespace sluice::flow
