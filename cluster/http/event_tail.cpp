#include "cluster/http/event_tail.hpp"

#include "cluster/http/event_watch.hpp"
#include "engine/secrets/mask.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace sluice::cluster {

namespace {

constexpr std::size_t most_kept = 1024;
/// One write of a stream then has what came in this time.
constexpr auto least_pause = std::chrono::milliseconds(5);

}  // namespace

const std::string& streamed_event::text(bool server_sent) const {
  auto& made = server_sent ? sent_ : line_;
  if (made.empty()) made = secrets::mask(stream_text(event, server_sent));
  return made;
}

streamed_events streamed(std::vector<store::event> events) {
  streamed_events made;
  for (auto& one : events) made.push_back(std::make_shared<const streamed_event>(std::move(one)));
  return made;
}

event_tail::event_tail(http_shared& shared) : shared_(shared), pause_(shared.network) {}

event_tail::~event_tail() = default;

bool event_tail::add(const std::shared_ptr<event_watch>& one) {
  const auto& subscribe = shared_.answers.handlers().subscribe;
  if (!subscribe) return false;
  std::erase_if(watches_, [](const auto& watch) { return watch.expired(); });
  watches_.push_back(one);
  if (subscription_) return true;
  subscription_ = subscribe([shared = shared_.weak_from_this()](std::vector<store::event> events,
                                                                std::function<void()> seen) {
    const auto alive = shared.lock();
    if (!alive) return;
    boost::asio::post(alive->network, [to = alive.get(), events = std::move(events), seen = std::move(seen)]() mutable {
      to->tail.took(std::move(events));
      seen();
    });
  });
  return true;
}

void event_tail::took(std::vector<store::event> events) {
  for (auto& one : streamed(std::move(events))) {
    if (from_ < 0) from_ = one->event.cursor - 1;
    events_.push_back(std::move(one));
    if (events_.size() <= most_kept) continue;
    from_ = events_.front()->event.cursor;
    events_.pop_front();
  }
  wake_soon();
}

streamed_events event_tail::above(std::int64_t& after, const std::string& run, std::size_t limit) const {
  streamed_events found;
  auto at = std::upper_bound(events_.begin(), events_.end(), after,
                             [](std::int64_t cursor, const auto& one) { return cursor < one->event.cursor; });
  for (; at != events_.end() && found.size() < limit; ++at) {
    after = (*at)->event.cursor;
    if (run.empty() || (*at)->event.run == run) found.push_back(*at);
  }
  return found;
}

void event_tail::wake_soon() {
  if (pausing_) {
    woken_ = true;
    return;
  }
  wake_all();
  pausing_ = true;
  pause_.expires_after(least_pause);
  pause_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    pausing_ = false;
    if (std::exchange(woken_, false)) wake_soon();
  });
}

void event_tail::wake_all() {
  for (const auto& one : std::vector(watches_))
    if (const auto alive = one.lock()) alive->wake();
}

}  // namespace sluice::cluster
