#include "app/pending_notifications.hpp"

#include "actors/delivery/dispatcher.hpp"
#include "app/text.hpp"
#include "engine/store/deliveries.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::app {

caf::actor start_deliveries(actors::engine& in, const std::shared_ptr<store::store>& from) {
  const auto& beside = in.actors();
  return actors::spawn_dispatcher(in.system(),
                                  {.services = beside.services, .store = from, .notifier = beside.notifier});
}

std::int64_t send_pending(session& with, const std::shared_ptr<store::store>& from, const std::string& run,
                          std::chrono::milliseconds wait) {
  const auto subscriptions = store::deliveries_of(*from).subscriptions();
  if (subscriptions.ok() && subscriptions->empty()) return 0;
  // Left to the end of the process, as that of a run.
  auto& engine = *new actors::engine(from);
  return finish_deliveries(with, engine, start_deliveries(engine, from), *from, run, wait);
}

std::string pending_text(const std::vector<store::pending_deliveries>& pending) {
  std::int64_t count = 0;
  std::string list;
  for (const auto& one : pending) {
    count += one.count;
    list += (list.empty() ? "" : "; ") + one.channel + " of " + one.pipeline + ": " + std::to_string(one.count);
    if (!one.answer.empty()) list += ", last answer: " + printable(one.answer.substr(0, 200));
  }
  if (count == 0) return {};
  return std::to_string(count) + (count == 1 ? " notification is pending (" : " notifications are pending (") + list +
         ")";
}

std::int64_t finish_deliveries(session& with, actors::engine& in, const caf::actor& dispatcher, store::store& from,
                               const std::string& run, std::chrono::milliseconds wait) {
  const auto subscriptions = store::deliveries_of(from).subscriptions();
  if (subscriptions.ok() && subscriptions->empty()) return 0;
  const auto newest = from.last_cursor();
  actors::delivery_progress last;
  if (newest.ok()) last = actors::await_deliveries(in.system(), dispatcher, *newest, wait);
  const auto pending = store::deliveries_of(from).pending(run);
  // The next process need not wait until it is clear that this one is gone.
  (void)store::deliveries_of(from).release_all();
  if (!pending.ok()) {
    report(with, pending.problem());
    return 0;
  }
  auto count = static_cast<std::int64_t>(last.troubles.size());
  if (!with.options.quiet)
    for (const auto& trouble : last.troubles) with.terminal.note(printable(trouble) + "\n");
  for (const auto& one : *pending) count += one.count;
  if (!pending->empty() && !with.options.quiet)
    with.terminal.note(
        pending_text(*pending) +
        "\nthey are sent by the next run, by a node on this state folder, or now: sluice notify flush\n");
  return count;
}

}  // namespace sluice::app
