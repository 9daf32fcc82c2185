#include "engine/notify/log_batch.hpp"

#include <algorithm>

namespace sluice::notify {

log_batch::log_batch(std::shared_ptr<const std::vector<store::event>> events, store::store& in, bool live)
    : events_(std::move(events)), store_(in), live_(live), columns_(*events_) {
  for (const auto& one : *events_) {
    flushed_ = flushed_ || one.type == "delivery.flushed";
    if (one.type == "subscription.replayed" && one.data.is_object())
      replayed_.insert(one.data.value("subscription", ""));
  }
}

std::shared_ptr<const store::event> log_batch::event_at(std::int64_t cursor) const {
  const auto found = std::lower_bound(events_->begin(), events_->end(), cursor,
                                      [](const store::event& one, std::int64_t at) { return one.cursor < at; });
  return {events_, &*found};
}

result<const std::vector<store::silence>*> log_batch::silences(std::int64_t now) {
  if (!silences_) {
    SLUICE_ASSIGN(silences_, store::deliveries_of(store_).silences(now));
  }
  return &*silences_;
}

bool log_batch::makes_due(const std::string& subscription) const {
  return flushed_ || replayed_.count(subscription) != 0;
}

}  // namespace sluice::notify
