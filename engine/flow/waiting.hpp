#pragma once

#include "engine/flow/progress.hpp"

#include <cstddef>
#include <cstdint>

namespace sluice::flow {

/// Adds up for how long an instance has been held back: it could work, but what it made before waits for credit of its
/// receivers. Times are microseconds of any steady clock.
class held_back_time {
 public:
  /// Whether it is held back, from `now` on.
  void set(bool held_back, std::int64_t now);
  [[nodiscard]] bool held_back() const { return since_ >= 0; }
  [[nodiscard]] std::uint64_t total(std::int64_t now) const;

 private:
  std::int64_t since_ = -1;  ///< -1: it is not held back
  std::uint64_t before_ = 0;
};

/// Says for which share of the last seconds the instances of a unit were held back, and for which they had no rows to
/// work on. Times are microseconds of any steady clock.
class waiting_meter {
 public:
  /// So many instances work. They were held back for `held_back` microseconds in all since they began, and `starved` of
  /// them have nothing to work on now.
  void at(std::int64_t now, std::size_t instances, std::uint64_t held_back, std::size_t starved);
  /// Millionths.
  [[nodiscard]] std::int64_t held_back_ppm() const;
  [[nodiscard]] std::int64_t starved_ppm() const;

 private:
  rate_meter held_back_;
  std::size_t instances_ = 0;
  std::int64_t last_time_ = -1;
  double starved_ = 0;
};

}  // namespace sluice::flow
