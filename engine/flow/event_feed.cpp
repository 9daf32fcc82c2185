#include "engine/flow/event_feed.hpp"

#include <algorithm>

namespace sluice::flow {

void event_feed::written(const std::vector<store::event>& events) {
  for (const auto& one : events) {
    if (!run_.empty() && one.run != run_) continue;
    newest_ = std::max(newest_, one.cursor);
    if (behind_ || one.cursor <= at_) continue;
    if (queue_.size() >= most_) {
      behind_ = true;
      queue_.clear();
      continue;
    }
    queue_.push_back(one);
  }
}

event_feed::step event_feed::next() const {
  if (busy_) return step::nothing;
  if (behind_) return step::read;
  return queue_.empty() ? step::nothing : step::deliver;
}

std::vector<store::event> event_feed::take() {
  std::vector<store::event> all(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
  queue_.clear();
  if (all.empty()) return all;
  at_ = all.back().cursor;
  busy_ = true;
  return all;
}

std::vector<store::event> event_feed::read(std::vector<store::event> events, std::size_t limit) {
  if (!events.empty()) at_ = events.back().cursor;
  // Complete only if nothing was written while the Store was read.
  if (events.size() < limit && at_ >= newest_) behind_ = false;
  busy_ = !events.empty();
  return events;
}

}  // namespace sluice::flow
