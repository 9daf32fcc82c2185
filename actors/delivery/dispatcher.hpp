#pragma once

#include "actors/units/instance.hpp"
#include "engine/notify/rule_worker.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::actors {

// Messages of deliveries; all of them stay within a process.

/// anyone -> dispatcher: is everything sent that is due, of the events up to `cursor`? `look`: the Store is looked at
/// first, so that a subscription that was just made counts. Answered by delivery_progress.
struct get_delivery_progress {
  std::int64_t cursor = 0;
  std::int64_t until = 0;  ///< what is due later counts as not due; microseconds since 1970 UTC
  bool look = false;
};
/// dispatcher -> anyone
struct delivery_progress {
  bool done = false;
  std::size_t subscriptions = 0;           ///< that this process works on
  std::vector<std::string> troubles = {};  ///< why others can't be worked on here
};
/// anyone -> dispatcher -> subscriptions: the process ends, groups are sent as they are.
struct close_groups {};
/// subscription -> dispatcher: how far it is with what its rule has made.
struct subscription_progress {
  std::string id;
  bool busy = true;         ///< something is on its way
  std::int64_t next = 0;    ///< when the next delivery is due; 0: none
  std::uint64_t turns = 0;  ///< of its rule that woke it, and that it has heard of
};
/// subscription -> dispatcher: can't be worked on here, or not any more.
struct subscription_left {
  std::string id;
  std::string why = {};  ///< a secret is missing, or the like: not to be tried again at once
};

struct dispatcher_settings {
  node_services services;
  std::shared_ptr<store::store> store;
  caf::actor notifier;
  notify::channel_maker make = notify::make_channel;
  notify::clock_function now = {};                                    ///< not set: the system's clock
  std::chrono::milliseconds look_interval = std::chrono::seconds(1);  ///< for subscriptions that are free
};

/// Starts the actor that has the notifications sent which the Store knows of: it takes every subscription that no other
/// living process works on, and starts an actor for each. A subscription that is slow, or whose receiver is dead,
/// delays no other one: each channel has threads of its own, and what waits is in the Store.
caf::actor spawn_dispatcher(caf::actor_system& system, dispatcher_settings settings);

/// Waits until everything is sent that is due by `limit` from now, for that long at most; groups are closed first.
/// Gives what was known last. Blocks; not for actors.
delivery_progress await_deliveries(caf::actor_system& system, const caf::actor& dispatcher, std::int64_t cursor,
                                   std::chrono::milliseconds limit);

}  // namespace sluice::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::get_delivery_progress)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::delivery_progress)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::close_groups)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::subscription_progress)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::subscription_left)
