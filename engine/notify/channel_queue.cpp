#include "engine/notify/channel_queue.hpp"

#include <algorithm>
#include <utility>

namespace sluice::notify {

namespace {

constexpr std::size_t most_waiting = 64;

}  // namespace

bool channel_queue::admit(const std::string& lane) {
  const std::lock_guard guard(lock_);
  ++unstored_;
  if (behind_ || closed_ || admitted_ >= most_waiting) {
    behind_ = true;
    ++to_store_;
    return false;
  }
  ++admitted_;
  ++lanes_[lane].waiting;
  return true;
}

void channel_queue::push(message one) {
  const std::lock_guard guard(lock_);
  const auto lane = one.what.lane;
  auto& of = lanes_[lane];
  if (!of.failed) {
    fresh_.push_back(std::move(one));
    return;
  }
  // One before it has failed since it was admitted.
  --admitted_;
  --of.waiting;
  forget_if_idle(lane);
}

void channel_queue::to_store() {
  const std::lock_guard guard(lock_);
  behind_ = true;
  ++unstored_;
  ++to_store_;
}

void channel_queue::look() {
  const std::lock_guard guard(lock_);
  behind_ = true;
  ++to_store_;
}

void channel_queue::stored(std::size_t messages) {
  const std::lock_guard guard(lock_);
  unstored_ -= static_cast<std::int64_t>(messages);
}

std::vector<channel_queue::message> channel_queue::take(std::size_t most) {
  const std::lock_guard guard(lock_);
  std::vector<message> taken;
  const auto free = [&](const message& one) { return !lanes_[one.what.lane].working; };
  const auto first = std::find_if(fresh_.begin(), fresh_.end(), free);
  if (first == fresh_.end()) return taken;
  const auto lane = first->what.lane;
  for (auto at = first; at != fresh_.end() && taken.size() < most;) {
    if (at->what.lane != lane) {
      ++at;
      continue;
    }
    taken.push_back(std::move(*at));
    at = fresh_.erase(at);
  }
  admitted_ -= taken.size();
  auto& of = lanes_[lane];
  of.waiting -= taken.size();
  of.working = true;
  return taken;
}

result<std::vector<store::delivery>> channel_queue::take_stored(const finder& due) {
  const std::lock_guard guard(lock_);
  std::vector<std::string> busy;
  for (const auto& [lane, of] : lanes_) busy.push_back(lane);
  SLUICE_ASSIGN(auto found, due(busy));
  if (!found.empty()) lanes_[found.front().lane].working = true;
  return found;
}

void channel_queue::tried(const std::string& lane, bool failed) {
  const std::lock_guard guard(lock_);
  auto& of = lanes_[lane];
  of.working = false;
  ++of.unsettled;
  if (!failed) return;
  of.failed = behind_ = true;
  const auto gone = std::erase_if(fresh_, [&](const message& one) { return one.what.lane == lane; });
  admitted_ -= gone;
  of.waiting -= gone;
}

void channel_queue::settled(const std::string& lane) {
  const std::lock_guard guard(lock_);
  --lanes_[lane].unsettled;
  // Who looks just now has not seen what the Store has of this lane, because it was busy.
  if (behind_) ++to_store_;
  forget_if_idle(lane);
}

void channel_queue::release(const std::string& lane) {
  const std::lock_guard guard(lock_);
  lanes_[lane].working = false;
  if (behind_) ++to_store_;
  forget_if_idle(lane);
}

void channel_queue::forget_if_idle(const std::string& lane) {
  const auto found = lanes_.find(lane);
  const auto& of = found->second;
  if (of.waiting == 0 && !of.working && of.unsettled == 0) lanes_.erase(found);
}

bool channel_queue::behind() const {
  const std::lock_guard guard(lock_);
  return behind_;
}

void channel_queue::caught_up(std::uint64_t before) {
  const std::lock_guard guard(lock_);
  // The Store may have more of lanes that are busy.
  if (unstored_ == 0 && to_store_ == before && lanes_.empty()) behind_ = false;
}

std::uint64_t channel_queue::messages_to_store() const {
  const std::lock_guard guard(lock_);
  return to_store_;
}

void channel_queue::close() {
  const std::lock_guard guard(lock_);
  closed_ = true;
}

bool channel_queue::ready() const {
  const std::lock_guard guard(lock_);
  if (behind_) return true;
  return std::any_of(fresh_.begin(), fresh_.end(), [&](const message& one) {
    const auto lane = lanes_.find(one.what.lane);
    return lane == lanes_.end() || !lane->second.working;
  });
}

bool channel_queue::busy() const {
  const std::lock_guard guard(lock_);
  return !lanes_.empty() || unstored_ > 0;
}

}  // namespace sluice::notify
