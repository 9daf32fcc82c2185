#include "cluster/http/event_poll.hpp"

#include "cluster/http/route.hpp"

namespace sluice::cluster {

event_poll::event_poll(std::shared_ptr<http_connection> client, http_shared& shared, stream_request what)
    : event_watch(shared, what, static_cast<std::size_t>(what.limit)),
      client_(std::move(client)),
      deadline_(std::chrono::steady_clock::now() + *what.wait) {}

void event_poll::start() {
  watch(what().wait->count() > 0);
  look();
}

void event_poll::found(const result<streamed_events>& events, bool ended, bool last_look) {
  if (over()) return;
  if (!events.ok()) return end(refusal_of(events.problem()));
  if (events->empty() && !ended && !last_look) return wait(deadline_);
  std::vector<store::event> all;
  for (const auto& one : *events) all.push_back(one->event);
  end(json_answer(events_to_json(all, what().after, ended)));
}

void event_poll::end(const api_response& with) {
  stop();
  client_->answer_late(with);
  client_.reset();
}

}  // namespace sluice::cluster
