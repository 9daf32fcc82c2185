#include "engine/flow/progress.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::flow {

namespace {

/// Time after which an old rate counts for 1/e.
constexpr double memory_microseconds = 2e6;

}  // namespace

void rate_meter::at(std::int64_t now, std::uint64_t total) {
  if (last_time_ >= 0 && now > last_time_) {
    const auto passed = static_cast<double>(now - last_time_);
    const auto made = static_cast<double>(total - std::min(total, last_total_));
    const auto rate = made * 1e6 / passed;
    rate_ = rate_ < 0 ? rate : rate + (rate_ - rate) * std::exp(-passed / memory_microseconds);
  }
  if (last_time_ < 0 || now > last_time_) {
    last_time_ = now;
    last_total_ = total;
  }
}

std::uint64_t rate_meter::per_second() const { return rate_ <= 0 ? 0 : static_cast<std::uint64_t>(rate_ + 0.5); }

void progress_meter::at(std::int64_t now, std::uint64_t done) {
  done_ = done;
  rate_.at(now, done);
}

std::optional<std::int64_t> progress_meter::done_ppm() const {
  if (!total_ || *total_ == 0) return std::nullopt;
  const auto share = static_cast<double>(std::min(done_, *total_)) / static_cast<double>(*total_);
  return static_cast<std::int64_t>(share * 1e6);
}

std::optional<std::int64_t> progress_meter::left() const {
  if (!total_ || *total_ == 0 || rate_.per_second() == 0) return std::nullopt;
  const auto rest = static_cast<double>(*total_ - std::min(done_, *total_));
  return static_cast<std::int64_t>(rest * 1e6 / static_cast<double>(rate_.per_second()));
}

}  // namespace sluice::flow
