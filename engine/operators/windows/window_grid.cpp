#include "engine/operators/windows/window_grid.hpp"

#include "engine/values/calendar.hpp"

#include <algorithm>

namespace sluice::windows {

namespace {

/// Monday, 29 December 1969.
constexpr std::int64_t first_monday = -3;

}  // namespace

window_grid::window_grid(const window_rule& rule, zone_clock clock)
    : rule_(rule),
      clock_(std::move(clock)),
      how_(rule.every % day_length == 0   ? counted::in_days
           : day_length % rule.every == 0 ? counted::within_days
                                          : counted::from_1970) {}

result<window_grid> window_grid::make(const window_rule& rule, const std::string& zone) {
  SLUICE_ASSIGN(auto clock, zone_clock::find(zone));
  return window_grid(rule, std::move(clock));
}

std::int64_t window_grid::day_of(std::int64_t time) { return floor_div(clock_.to_local(time), day_length); }

void window_grid::find_step(std::int64_t time) {
  auto day = day_of(time);
  if (how_ == counted::within_days) {
    first_ = midnight_of(day);
    last_ = midnight_of(day + 1);
    return;
  }
  const auto days = rule_.every / day_length;
  day = first_monday + floor_div(day - first_monday, days) * days;
  first_ = midnight_of(day);
  last_ = midnight_of(day + days);
}

std::int64_t window_grid::begin_at(std::int64_t time) {
  if (how_ == counted::from_1970) return floor_div(time, rule_.every) * rule_.every;
  if (time < first_ || time >= last_) find_step(time);
  if (how_ == counted::in_days) return first_;
  return first_ + floor_div(time - first_, rule_.every) * rule_.every;
}

std::int64_t window_grid::end_of(std::int64_t begin) {
  if (how_ == counted::from_1970 || rule_.size % day_length != 0) {
    const auto end = begin + rule_.size;
    if (how_ != counted::within_days || rule_.size != rule_.every) return end;
    if (begin < first_ || begin >= last_) find_step(begin);
    return begin < last_ ? std::min(end, last_) : end;
  }
  if (how_ == counted::within_days) return begin + rule_.size;
  return midnight_of(day_of(begin) + rule_.size / day_length);
}

void window_grid::begins_of(std::int64_t time, std::vector<std::int64_t>& begins) {
  auto begin = begin_at(time);
  do {
    begins.push_back(begin);
    if (rule_.size == rule_.every) return;
    begin = begin_at(begin - 1);
  } while (end_of(begin) > time);
}

}  // namespace sluice::windows
