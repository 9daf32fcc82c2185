#include "cluster/node_events.hpp"

#include "actors/messages.hpp"
#include "actors/units/guarded.hpp"
#include "engine/store/schedules.hpp"

#include <caf/all.hpp>

namespace sluice::cluster {

void node_events::keep(store::event what, const caf::actor& notifier) {
  strand_.post([in = in_, log = log_, to = caf::actor_cast<caf::weak_actor_ptr>(notifier), what = std::move(what)] {
    // An outcome of no start: what remains of it are its events.
    const auto kept =
        actors::guarded("keep an event of a node", [&] { return store::schedules_of(*in).settle({.events = {what}}); });
    if (!kept.ok()) return log("the event " + what.type + " could not be kept: " + kept.problem().message);
    if (const auto alive = caf::actor_cast<caf::actor>(to)) caf::anon_send(alive, actors::events_written{*kept});
  });
}

}  // namespace sluice::cluster
