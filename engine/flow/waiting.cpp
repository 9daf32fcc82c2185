#include "engine/flow/waiting.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::flow {

namespace {

/// Time after which what was seen counts for 1/e, as with rates.
constexpr double memory_microseconds = 2e6;

}  // namespace

void held_back_time::set(bool held_back, std::int64_t now) {
  if (held_back == this->held_back()) return;
  before_ = total(now);
  since_ = held_back ? std::max<std::int64_t>(now, 0) : -1;
}

std::uint64_t held_back_time::total(std::int64_t now) const {
  return before_ + (since_ < 0 ? 0 : static_cast<std::uint64_t>(std::max<std::int64_t>(now - since_, 0)));
}

void waiting_meter::at(std::int64_t now, std::size_t instances, std::uint64_t held_back, std::size_t starved) {
  instances_ = instances;
  held_back_.at(now, held_back);
  const auto share = instances == 0 ? 0.0 : static_cast<double>(starved) / static_cast<double>(instances);
  const auto passed = static_cast<double>(now - last_time_);
  starved_ =
      last_time_ < 0 ? share : share + (starved_ - share) * std::exp(-std::max(passed, 0.0) / memory_microseconds);
  last_time_ = now;
}

std::int64_t waiting_meter::held_back_ppm() const {
  if (instances_ == 0) return 0;
  const auto ppm = held_back_.per_second() / instances_;  // microseconds in a second
  return static_cast<std::int64_t>(std::min<std::uint64_t>(ppm, 1'000'000));
}

std::int64_t waiting_meter::starved_ppm() const { return static_cast<std::int64_t>(starved_ * 1e6 + 0.5); }

}  // namespace sluice::flow
