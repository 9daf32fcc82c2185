#pragma once

#include <cstdint>
#include <optional>

namespace sluice::notify {

/// Within what time after its first try a message has to be delivered, in microseconds: three days.
constexpr std::int64_t give_up_after = std::int64_t{3} * 24 * 3600 * 1'000'000;

/// When a message is tried again, in microseconds after a failure: about 5 s, 5 min, 30 min, 2 h, 5 h, then every 10 h
/// (the schedule of Standard Webhooks), each up to a tenth earlier or later, so that what failed together does not come
/// back together. `tries`: how many there were; `random`: any bits; `asked`: what the receiver asked for (Retry-After),
/// which is kept to, up to a day.
std::int64_t pause_before_retry(std::int64_t tries, std::uint64_t random, std::optional<std::int64_t> asked = {});

}  // namespace sluice::notify
