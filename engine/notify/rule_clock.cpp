#include "engine/notify/rule.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

// What a rule does because time has passed.

namespace sluice::notify {

/// Those that were due while no process was there are not made up: their absence was the message.
void rule::beat(std::int64_t now) {
  if (!settings_.heartbeat || now < last_heartbeat_ + *settings_.heartbeat) return;
  last_heartbeat_ = now;
  made_message made{.channels = settings_.to};
  made.what.kind = "heartbeat";
  made.what.key = id_of("heartbeat", "", now);
  made.what.lane = made.what.key;
  made.what.type = "heartbeat";
  made.what.created = now;
  messages_.push_back(std::move(made));
}

/// An event that is expected has come: what was told of its absence is over.
void rule::come_again(const store::event& what, std::int64_t now) {
  // Clocks of other machines may be ahead.
  last_match_ = std::max(last_match_, std::min(what.time, now));
  for (auto& [fingerprint, one] : alerts_)
    if (settings_.resolved) tell(one, "resolved", one.told, now, what.cursor);
  alerts_.clear();
}

bool rule::is_missing(std::int64_t now) const {
  return settings_.absent && last_match_ != 0 && alerts_.empty() && now >= last_match_ + *settings_.absent;
}

void rule::miss(std::int64_t now) {
  auto& one = alerts_[missing_type];
  one = {.id = id_of("alert", missing_type, last_match_).substr(0, 8),
         .type = missing_type,
         .since = last_match_,
         .count = 1};
  one.lane = "alert " + one.id;
  tell(one, "missing", settings_.to, now, last_match_);
  mark_sent(missing_type, one.lane, now);
}

void rule::pass(std::int64_t now, const std::set<std::string>& acknowledged, bool close) {
  if (!close) beat(now);
  // A rule that is new waits from now on.
  if (settings_.absent && last_match_ == 0) last_match_ = now;
  for (auto at = groups_.begin(); at != groups_.end();) {
    auto& [key, group] = *at;
    if (group.count > 0 && (close || now >= group_due(group))) send_group(key, group, now);
    const bool idle = group.count == 0 && now >= group.last_sent + settings_.group.value_or(grouping{}).every;
    at = idle ? groups_.erase(at) : std::next(at);
  }
  for (auto& [fingerprint, one] : alerts_) {
    if (acknowledged.count(one.id) != 0) one.acknowledged = true;
    if (one.sent == 0 || one.acknowledged) continue;
    while (one.next_repeat != 0 && now >= one.next_repeat) {
      tell(one, "reminder", one.told, now, one.next_repeat);
      // Those that were due while no process was there are one.
      one.next_repeat = now + *settings_.repeat;
    }
    while (one.escalated < static_cast<std::int64_t>(settings_.escalate.size())) {
      const auto& step = settings_.escalate[static_cast<std::size_t>(one.escalated)];
      if (now < one.sent + step.after) break;
      tell(one, "escalation", step.to, now, one.escalated);
      for (const auto& channel : step.to)
        if (std::find(one.told.begin(), one.told.end(), channel) == one.told.end()) one.told.push_back(channel);
      ++one.escalated;
    }
  }
}

std::optional<std::int64_t> rule::next() const {
  auto soonest = std::numeric_limits<std::int64_t>::max();
  for (const auto& [key, group] : groups_)
    if (group.count > 0) soonest = std::min(soonest, group_due(group));
  for (const auto& [fingerprint, one] : alerts_) {
    if (one.sent == 0 || one.acknowledged) continue;
    if (one.next_repeat != 0) soonest = std::min(soonest, one.next_repeat);
    if (one.escalated < static_cast<std::int64_t>(settings_.escalate.size()))
      soonest = std::min(soonest, one.sent + settings_.escalate[static_cast<std::size_t>(one.escalated)].after);
  }
  if (settings_.absent && last_match_ != 0 && alerts_.empty())
    soonest = std::min(soonest, last_match_ + *settings_.absent);
  if (settings_.heartbeat) soonest = std::min(soonest, last_heartbeat_ + *settings_.heartbeat);
  return soonest == std::numeric_limits<std::int64_t>::max() ? std::nullopt : std::optional(soonest);
}

}  // namespace sluice::notify
