#pragma once

#include "actors/delivery/dispatcher.hpp"
#include "engine/notify/rule_worker.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::actors {

// Messages of the reader of the log; all of them stay within a process.

/// subscription -> reader: my rule wants events. Answered by log_joined.
struct join_log {
  std::string id;
  caf::actor from;
  std::shared_ptr<notify::rule_worker> rule;
};
struct log_joined {};
/// subscription -> reader: not any more: what it has made is kept, then it is released.
struct leave_log {
  std::string id;
};
/// subscription -> reader: time has passed for the rule; `close`: its groups are sent. Answered by rule_turned.
struct pass_rule {
  std::string id;
  bool close = false;
};
/// subscription -> reader: it was tried to send messages.
struct messages_tried {};
/// reader -> subscription: its rule has looked at events, or at the clock (`passed`).
struct rule_turned {
  std::uint64_t number = 0;  ///< of those that wake
  bool wake = false;         ///< there may be something to send
  std::optional<std::int64_t> next_pass = {};
  bool passed = false;
};
/// reader -> subscription: what was made or tried is durable.
struct deliveries_kept {};
/// reader -> subscription: another process works on it.
struct subscription_taken {};
/// reader -> dispatcher: how far the rules are.
struct log_progress {
  std::int64_t at = 0;  ///< all have looked at the events up to here
  bool busy = true;     ///< with more, or with the clock
  /// Subscriptions that were woken, and the number of it.
  std::vector<std::pair<std::string, std::uint64_t>> woken = {};
};

/// Starts the actor that reads the event log for all subscriptions of a process: each batch of events is looked at
/// once, by one rule after the other, and what they make of it goes into the Store in one write. A rule that is behind,
/// because nobody has worked on it for a while, catches up by itself. `boss` gets log_progress.
caf::actor spawn_log_reader(caf::actor_system& system, const dispatcher_settings& settings,
                            std::shared_ptr<notify::delivery_book> book, const caf::actor& boss);

/// Starts the actor of one subscription, which sends what its rule makes; `boss` gets subscription_progress and
/// subscription_left.
caf::actor spawn_subscription(caf::actor_system& system, const dispatcher_settings& settings,
                              std::shared_ptr<notify::delivery_book> book, const std::string& id,
                              const caf::actor& reader, const caf::actor& boss);

}  // namespace sluice::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::join_log)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::log_joined)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::leave_log)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::pass_rule)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::messages_tried)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::rule_turned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::deliveries_kept)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::subscription_taken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::log_progress)
