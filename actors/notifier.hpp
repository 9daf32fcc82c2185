#pragma once

#include "actors/units/instance.hpp"
#include "engine/store/store.hpp"

#include <caf/actor.hpp>

#include <functional>
#include <memory>
#include <string>

namespace sluice::actors {

/// As `after` of `subscribe_events`: only what comes from now on. An empty batch, which
/// is not answered, says that now has begun.
inline constexpr std::int64_t only_new_events = -1;

/// Starts the actor that tells subscribers of events which are durable already (`events_written`). Each subscriber gets
/// them in order, without gaps, one message at a time; one that is slow is given the rest from the Store, and delays
/// nobody. It takes `subscribe_events` and `unsubscribe_events`; `events_seen` asks for the next.
caf::actor spawn_notifier(caf::actor_system& system, std::shared_ptr<store::store> from, const node_services& services);

/// Takes one event; may block.
using deliver_function = std::function<status(const store::event&)>;

/// What a subscriber does; both may block.
struct subscriber_functions {
  template <class Call>
  subscriber_functions(Call call) : deliver(std::move(call)) {}

  deliver_function deliver;
  /// Gives the cursor behind which it goes on, where it knows that better than the Store, whose opinion it gets.
  std::function<result<std::int64_t>(std::int64_t kept)> place = {};
};

/// Starts a subscriber that hands every event to `deliver` on an I/O thread. With a `name` its place in the event log
/// is kept in the Store and it goes on from there, at least once; without one it begins with events after `after`. A
/// delivery that fails is tried again, with a growing pause.
caf::actor spawn_subscriber(caf::actor_system& system, const caf::actor& notifier, subscriber_functions functions,
                            std::shared_ptr<store::store> cursors, const std::string& name, std::int64_t after,
                            const node_services& services);

}  // namespace sluice::actors
