#include "engine/flow/recent_rejects.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::flow {

namespace {

std::string span_text(std::int64_t microseconds) {
  constexpr std::int64_t second = 1'000'000, minute = 60 * second;
  if (microseconds == minute) return "minute";
  if (microseconds % minute == 0) return fmt::format("{} minutes", microseconds / minute);
  return fmt::format("{:.3g} seconds", static_cast<double>(microseconds) / second);
}

}  // namespace

recent_rejects::recent_rejects(const rejects_rule& rule, std::vector<rejects_sample> before)
    : rule_(rule), per_(rule.per_microseconds.value_or(default_rejects_per)), samples_(std::move(before)) {
  exceeds_ = exceeds();
}

void recent_rejects::add(const rejects_sample& now) {
  // The counts of a run start at zero where its pipeline was edited.
  if (!samples_.empty() && (now.rejected < samples_.back().rejected || now.read < samples_.back().read))
    samples_.clear();
  // The last one stays only where it is the first one of its part of the time.
  const auto size = samples_.size();
  const auto part = std::max<std::int64_t>(per_ / fineness, 1);
  if (size >= 2 && samples_[size - 1].time - samples_[size - 2].time < part) samples_.pop_back();
  samples_.push_back(now);
  // One is wanted that is `per` ago; what is before it is not.
  while (samples_.size() >= 2 && samples_[1].time <= now.time - per_) samples_.erase(samples_.begin());
  exceeded_ = exceeds_;
  exceeds_ = exceeds();
}

/// The counts `per` ago; 0 where the run is younger than that.
rejects_sample recent_rejects::since() const {
  const bool old = !samples_.empty() && samples_.front().time <= samples_.back().time - per_;
  return old ? samples_.front() : rejects_sample{};
}

std::uint64_t recent_rejects::rejected() const {
  return samples_.empty() ? 0 : samples_.back().rejected - since().rejected;
}

std::uint64_t recent_rejects::read() const { return samples_.empty() ? 0 : samples_.back().read - since().read; }

bool recent_rejects::exceeds() const {
  return rejected() > static_cast<std::uint64_t>(std::max<std::int64_t>(rule_.allow, 0));
}

rejects_verdict recent_rejects::judge() const {
  const auto rejects = rejected();
  const auto records = read();
  if (!rule_.fail_above || rejects == 0) return {};
  const auto share = records == 0 ? 1.0 : static_cast<double>(rejects) / static_cast<double>(records);
  if (share <= *rule_.fail_above) return {};
  return {
      .state = store::run_state::failed,
      .cause = user_error(
          "too_many_rejects",
          fmt::format("{} of {} records of the last {} were rejected ({:.3g} %), above rejects.fail_above of {:.3g} %",
                      rejects, records, span_text(per_), share * 100, *rule_.fail_above * 100),
          "look at them with `sluice rejects last`; what earlier checkpoints have made visible stays")};
}

}  // namespace sluice::flow
