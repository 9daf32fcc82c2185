#include "engine/flow/source_clock.hpp"

#include <algorithm>
#include <limits>

namespace sluice::flow {

void source_clock::extend(const std::vector<split>& all) {
  for (auto id = splits_.size(); id < all.size(); ++id) {
    const auto [found, fresh] = object_of_.try_emplace(all[id].object, objects_.size());
    if (fresh) objects_.emplace_back();
    objects_[found->second].splits.push_back(static_cast<std::uint32_t>(id));
    open_.insert(found->second);
    splits_.push_back({.object = found->second});
  }
}

void source_clock::passed_on(std::uint32_t id, std::optional<std::int64_t> latest) {
  auto& one = splits_[id];
  one.silent_since.reset();
  if (latest) one.latest = std::max(one.latest.value_or(*latest), *latest);
}

void source_clock::silent(std::uint32_t id, time_point now) {
  auto& one = splits_[id];
  if (!one.silent_since) one.silent_since = now;
}

void source_clock::finished(std::uint32_t id) {
  splits_[id].ended = true;
  come_forward(splits_[id].object);
}

void source_clock::come_forward(std::size_t index) {
  auto& object = objects_[index];
  for (; object.next < object.splits.size(); ++object.next) {
    const auto& first = splits_[object.splits[object.next]];
    if (!first.ended) return;
    if (first.latest) object.latest = std::max(object.latest.value_or(*first.latest), *first.latest);
  }
  open_.erase(index);
}

bool source_clock::is_idle(const object_state& object, time_point now) const {
  const auto& since = splits_[object.splits[object.next]].silent_since;
  return by_.idle && since && now - *since >= *by_.idle;
}

bool source_clock::is_idle(time_point now) const {
  return !open_.empty() &&
         std::all_of(open_.begin(), open_.end(), [&](auto index) { return is_idle(objects_[index], now); });
}

std::optional<std::int64_t> source_clock::latest_of(const object_state& object) const {
  const auto& first = splits_[object.splits[object.next]].latest;
  return first ? std::max(object.latest.value_or(*first), *first) : object.latest;
}

std::optional<std::int64_t> source_clock::risen(time_point now) {
  std::optional<std::int64_t> lowest;
  for (const auto index : open_) {
    const auto& object = objects_[index];
    if (is_idle(object, now)) continue;
    const auto latest = latest_of(object);
    if (!latest) return {};
    lowest = std::min(lowest.value_or(*latest), *latest);
  }
  if (!lowest) return {};
  // Far in the past there is no room for the difference.
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  const auto time = *lowest < least + by_.out_of_order ? least : *lowest - by_.out_of_order;
  if (watermark_ && time <= *watermark_) return {};
  watermark_ = time;
  return watermark_;
}

std::optional<source_clock::time_point> source_clock::next_idle(time_point now) const {
  std::optional<time_point> next;
  if (!by_.idle) return next;
  for (const auto index : open_) {
    const auto& object = objects_[index];
    const auto& since = splits_[object.splits[object.next]].silent_since;
    if (!since || is_idle(object, now)) continue;
    const auto due = *since + *by_.idle;
    if (!next || due < *next) next = due;
  }
  return next;
}

}  // namespace sluice::flow
