#include "engine/values/time_zone.hpp"

#include "engine/values/calendar.hpp"

#include <arrow/vendored/datetime.h>

namespace sluice {

namespace {

namespace date = arrow_vendored::date;

const date::time_zone* as_zone(const void* zone) { return static_cast<const date::time_zone*>(zone); }

}  // namespace

result<zone_clock> zone_clock::find(const std::string& name) {
  zone_clock made;
  if (name == "UTC" || name == "Etc/UTC" || name == "GMT" || name.empty()) return made;
  try {
    made.zone_ = date::locate_zone(name);
  } catch (const std::exception&) {
    return user_error("unknown_timezone", "there is no time zone " + name,
                      "write an IANA name such as Europe/Berlin; the zones come from the system's tzdata");
  }
  return made;
}

std::int64_t zone_clock::to_local(std::int64_t utc) {
  if (zone_ == nullptr) return utc;
  const auto seconds = floor_div(utc, microseconds_per_second);
  if (seconds < begin_ || seconds >= end_) {
    const auto info = as_zone(zone_)->get_info(date::sys_seconds(std::chrono::seconds(seconds)));
    begin_ = info.begin.time_since_epoch().count();
    end_ = info.end.time_since_epoch().count();
    offset_ = info.offset.count();
  }
  return utc + offset_ * microseconds_per_second;
}

std::int64_t zone_clock::to_utc(std::int64_t local) {
  if (zone_ == nullptr) return local;
  const auto seconds = floor_div(local, microseconds_per_second);
  // Two days off the ends of the period no change of offset can make the local time ambiguous.
  constexpr std::int64_t margin = 2 * 86'400;
  if (seconds - offset_ >= begin_ + margin && seconds - offset_ < end_ - margin)
    return local - offset_ * microseconds_per_second;
  const auto info = as_zone(zone_)->get_info(date::local_seconds(std::chrono::seconds(seconds)));
  const auto& period = info.result == date::local_info::ambiguous && !(info.second.save != std::chrono::minutes(0))
                           ? info.second
                           : info.first;
  begin_ = period.begin.time_since_epoch().count();
  end_ = period.end.time_since_epoch().count();
  offset_ = period.offset.count();
  return local - offset_ * microseconds_per_second;
}

}  // namespace sluice
