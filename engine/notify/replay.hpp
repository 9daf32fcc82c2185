#pragma once

#include "engine/error/error.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::notify {

/// Which events are to be sent once more, and to whom.
struct replay_request {
  std::string subscription;                ///< its id: pipeline, slash, rule
  std::string channel = {};                ///< empty: all channels of the rule
  std::optional<std::int64_t> after = {};  ///< cursor: only later events
  std::optional<std::int64_t> since = {};  ///< microseconds since 1970 UTC: only events from then on
  std::optional<std::int64_t> until = {};  ///< cursor: no later events
  std::string run = {};                    ///< whole id: only its events
  bool again = false;                      ///< what the events had started is started once more
  std::int64_t limit = 1000;               ///< more matching events are refused
};

struct replayed {
  std::string id = {};  ///< of the replay; in every message of it
  std::int64_t events = 0;
  std::int64_t deliveries = 0;             ///< an event goes to each channel
  std::vector<std::string> left_out = {};  ///< pipelines that are not started, because `again` was not given
  std::vector<store::event> told = {};     ///< the event that tells of it, as it was written; empty where none matched
};

/// Has the events that concern a rule, and of which its `when` is true, sent to it once more: one message an event,
/// with the id that the event has always had and a mark. Groups, alerts and silences have no part in it. Whoever works
/// on the subscription sends them.
///
/// Errors: unknown_subscription; unknown_channel; channel_disabled; replay_starts_nothing, where the rule only starts
/// pipelines and `again` is not set; replay_too_large.
result<replayed> replay(store::store& in, const replay_request& what, std::int64_t now);

}  // namespace sluice::notify
