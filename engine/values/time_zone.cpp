#include "engine/values/time_zone.hpp"

#include "engine/values/zone_rules.hpp"

namespace sluice {

result<zone_clock> zone_clock::find(const std::string& name) {
  zone_clock made;
  if (name == "GMT") made.utc_name_ = "GMT";
  if (name == "UTC" || name == "Etc/UTC" || name == "GMT" || name.empty()) return made;
  SLUICE_ASSIGN(made.rules_, find_zone(name));
  return made;
}

void zone_clock::remember(std::int64_t utc_seconds) {
  const auto period = rules_->at(utc_seconds);
  begin_ = period.begin;
  end_ = period.end;
  offset_ = period.offset;
}

// DetermineTimeZoneOffset of PostgreSQL: the first change behind the day before (the local time taken as UTC) decides.
std::int64_t zone_clock::offset_of_local(std::int64_t local_seconds) {
  const auto before = rules_->at(local_seconds - 86'400);
  begin_ = before.begin;
  end_ = before.end;
  offset_ = before.offset;
  if (before.end == INT64_MAX) return before.offset;
  const auto after = rules_->at(before.end);
  const auto utc_before = local_seconds - before.offset;
  const auto utc_after = local_seconds - after.offset;
  if (utc_before < before.end && utc_after < before.end) return before.offset;
  if (utc_before > before.end && utc_after >= before.end) return after.offset;
  return utc_before > utc_after ? before.offset : after.offset;
}

std::int64_t zone_clock::offset_at(std::int64_t utc) {
  if (!rules_) return 0;
  const auto seconds = floor_to_seconds(utc);
  if (seconds < begin_ || seconds >= end_) remember(seconds);
  return offset_;
}

std::string_view zone_clock::abbreviation_at(std::int64_t utc) const {
  if (!rules_) return utc_name_;
  return rules_->abbreviation(rules_->at(floor_to_seconds(utc)).type);
}

}  // namespace sluice
