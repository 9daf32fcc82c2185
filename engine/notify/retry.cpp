#include "engine/notify/retry.hpp"

#include <algorithm>
#include <array>

namespace sluice::notify {

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::array<std::int64_t, 6> schedule = {5 * second,        300 * second,      1800 * second,
                                                  2 * 3600 * second, 5 * 3600 * second, 10 * 3600 * second};
constexpr std::int64_t day = 24 * 3600 * second;

}  // namespace

std::int64_t pause_before_retry(std::int64_t tries, std::uint64_t random, std::optional<std::int64_t> asked) {
  const auto at = std::clamp<std::int64_t>(tries - 1, 0, schedule.size() - 1);
  const auto pause = asked ? std::clamp(*asked, second, day) : schedule.at(static_cast<std::size_t>(at));
  const auto share = static_cast<std::int64_t>(random % 2001) - 1000;  // thousandths of a tenth
  // Never earlier than a receiver has asked for.
  return pause + pause / 10 * (asked ? std::max<std::int64_t>(share, 0) : share) / 1000;
}

}  // namespace sluice::notify
