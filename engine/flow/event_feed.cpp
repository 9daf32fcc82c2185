#include "engine/flow/event_feed.hpp"

namespace sluice::flow {

void event_feed::written(const std::vector<store::event>& events) {
  for (const auto& one : events) {
    if (!run_.empty() && one.run != run_) continue;
    if (one.cursor <= at_) continue;
    if (queue_.size() < most_) {
      queue_.emplace(one.cursor, one);
      continue;
    }
    queue_.clear();
    behind_ = missed_ = true;
  }
}

void event_feed::newest(std::int64_t cursor) {
  if (cursor <= at_ || cursor <= looked_) return;
  looked_ = cursor;
  behind_ = missed_ = true;
}

bool event_feed::follows(const store::event& what) const {
  if (run_.empty()) return what.cursor == at_ + 1;
  return sequence_ && what.sequence == *sequence_ + 1;
}

event_feed::step event_feed::next() const {
  if (busy_) return step::nothing;
  if (behind_) return step::read;
  if (queue_.empty()) return step::nothing;
  return follows(queue_.begin()->second) ? step::deliver : step::read;
}

void event_feed::delivered(const store::event& last) {
  at_ = last.cursor;
  sequence_ = last.sequence;
}

std::vector<store::event> event_feed::take() {
  std::vector<store::event> all;
  while (!queue_.empty() && follows(queue_.begin()->second)) {
    all.push_back(std::move(queue_.begin()->second));
    queue_.erase(queue_.begin());
    delivered(all.back());
  }
  busy_ = !all.empty();
  return all;
}

std::vector<store::event> event_feed::read(std::vector<store::event> events, std::size_t limit) {
  if (!events.empty()) delivered(events.back());
  queue_.erase(queue_.begin(), queue_.upper_bound(at_));
  behind_ = missed_ || events.size() >= limit;
  missed_ = false;
  busy_ = !events.empty();
  return events;
}

}  // namespace sluice::flow
