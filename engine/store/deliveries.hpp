#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::store {

class store;

/// A rule of a pipeline's `notify:` with the channels that it names, as it is kept: deliveries go on when the process
/// that ran the pipeline has ended.
struct subscription {
  std::string id = {};  ///< pipeline, slash, name of the rule
  std::string pipeline = {};
  std::string name = {};
  options spec = {};                       ///< of the rule and its channels; secrets as references
  std::int64_t mark = 0;                   ///< messages were made of all events up to this cursor
  std::optional<std::int64_t> until = {};  ///< the rule was removed: no event behind this cursor concerns it
  options state = {};                      ///< of its open groups and alerts
  std::string holder = {};                 ///< lease of the process that works on it
  bool held_elsewhere = false;             ///< that is another process, and it lives
};

enum class delivery_state {
  open,       ///< due at `next_at`
  held,       ///< behind an open one of its lane that is tried again
  delivered,  ///< the receiver has confirmed it
  given_up,   ///< not within the deadline
  dropped,    ///< its channel was disabled, or it was silenced
};
std::string to_string(delivery_state state);

/// One message to one channel. Times are microseconds since 1970 UTC.
struct delivery {
  std::int64_t number = 0;  ///< ascends; given by the Store
  std::string subscription = {};
  std::string channel = {};
  std::string lane = {};    ///< deliveries with the same one go out in order
  std::string key = {};     ///< id of the message, stable over tries and processes; one a subscription and channel
  std::string kind = {};    ///< event, group, resolved, reminder, escalation
  std::string type = {};    ///< of the (first) event
  std::string run = {};     ///< of the (last) event
  std::int64_t cursor = 0;  ///< of the (last) event
  options body = {};        ///< what the message holds beside the event at `cursor`
  delivery_state state = delivery_state::open;
  std::int64_t tries = 0;
  std::int64_t created = 0;
  std::int64_t first_try = 0;
  std::int64_t last_try = 0;
  std::int64_t next_at = 0;
  std::string answer = {};  ///< beginning of the last one, or why there was none
};

/// What became of a try.
struct tried_delivery {
  std::string key = {};
  delivery_state state = delivery_state::delivered;  ///< open: to be tried again at `next_at`
  std::int64_t at = 0;
  std::int64_t next_at = 0;
  std::string answer = {};
  std::int64_t tries = 1;  ///< to be added
};

/// How a channel does, over all its subscriptions.
struct channel_health {
  std::string pipeline = {};
  std::string channel = {};
  std::int64_t failures = 0;  ///< in a row
  bool failing = false;       ///< channel.failing was told and channel.recovered not yet
  bool disabled = false;
};

/// What a stretch of events has made of one subscription.
struct derived {
  struct place {
    std::int64_t mark = 0;
    options state = {};
  };
  std::string subscription = {};
  /// Not set: the mark stays, and whoever goes on from it makes the same messages, whose keys are known.
  std::optional<place> reached = {};
  std::vector<delivery> made = {};
};

/// What became of tries at one channel of a subscription.
struct tried_turn {
  std::string subscription = {};
  std::string channel = {};
  std::vector<tried_delivery> outcomes = {};
  std::optional<channel_health> health = {};  ///< where it has changed
  std::vector<event> events = {};             ///< that tell of it, without a run
};

/// What `keep` has found and written.
struct kept_deliveries {
  std::vector<std::string> taken = {};  ///< subscriptions that this process does not hold: nothing was kept of them
  std::vector<event> events = {};       ///< as they were written
};

/// A subscription that this process works on, and the cursor behind which no event concerns it any more.
struct held_subscription {
  std::string id = {};
  std::optional<std::int64_t> until = {};
};

/// What waits at a channel of a pipeline.
struct pending_deliveries {
  std::string pipeline = {};
  std::string channel = {};
  std::int64_t count = 0;
  std::int64_t next_at = 0;  ///< the earliest
  std::string answer = {};   ///< of the one that was tried last
};

/// Nobody is told of events that match, for a time: given by hand, for all pipelines.
struct silence {
  std::string id = {};
  std::string when = {};
  std::int64_t since = 0;  ///< microseconds since 1970 UTC
  std::int64_t until = 0;
  std::string reason = {};
};

struct delivery_query {
  std::string pipeline = {};  ///< empty: any
  std::string channel = {};   ///< likewise
  std::string run = {};       ///< likewise
  bool pending = false;       ///< only open and held ones
  std::int64_t limit = 50;
};

/// The part of a Store that keeps subscriptions and their deliveries. Calls block; thread-safe.
class delivery_log {
 public:
  virtual ~delivery_log() = default;
  /// Puts a pipeline's subscriptions in the place of those it had, before one of its runs is made. One that goes on
  /// keeps its mark; a new one begins behind the newest event; one that is gone ends there.
  virtual status subscribe(const std::string& pipeline, const std::vector<subscription>& now) = 0;
  /// All, without `state`, by id.
  virtual result<std::vector<subscription>> subscriptions() = 0;
  /// Takes a subscription for this process, until it is released or the process's lease is over. Nullopt where another
  /// living process holds it, or there is no such subscription. Whole record.
  virtual result<std::optional<subscription>> hold(const std::string& id) = 0;
  virtual status release_subscription(const std::string& id) = 0;
  /// Releases all that this process holds.
  virtual status release_all() = 0;
  /// Removes one whose rule is gone and of which nothing is pending.
  virtual status forget_subscription(const std::string& id) = 0;
  /// Those that this process holds now, by id.
  virtual result<std::vector<held_subscription>> held() = 0;
  /// Adds messages (one whose key is known already is left as it is), moves marks and notes what became of tries, for
  /// many subscriptions in one transaction.
  virtual result<kept_deliveries> keep(const std::vector<derived>& made, std::vector<tried_turn> tried) = 0;
  /// Deliveries of a channel that are due at `now`, of one lane that is not among `busy`, in order.
  virtual result<std::vector<delivery>> due(const std::string& subscription, const std::string& channel,
                                            std::int64_t now, const std::vector<std::string>& busy,
                                            std::int64_t limit) = 0;
  /// When the next one is due that is open, of a lane that is not among `busy`; nullopt where there is none.
  virtual result<std::optional<std::int64_t>> next_due(const std::string& subscription, const std::string& channel,
                                                       const std::vector<std::string>& busy) = 0;
  virtual result<channel_health> health_of(const std::string& pipeline, const std::string& channel) = 0;
  /// Makes everything due at once that is open; gives how many that are.
  virtual result<std::int64_t> make_due(std::int64_t now) = 0;
  /// What waits, by pipeline and channel.
  virtual result<std::vector<pending_deliveries>> pending(const std::string& run = {}) = 0;
  /// Newest first.
  virtual result<std::vector<delivery>> deliveries(const delivery_query& query) = 0;
  /// Keeps a silence; it is forgotten when it is over.
  virtual status add_silence(const silence& what) = 0;
  /// Ends one; false where there is none with that id.
  virtual result<bool> end_silence(const std::string& id) = 0;
  /// Those that are not over, oldest first.
  virtual result<std::vector<silence>> silences(std::int64_t now) = 0;
  /// Whether a subscription has an open alert with that id.
  virtual result<bool> has_alert(const std::string& alert) = 0;
  /// Notes that somebody looks after an alert; false where it was noted already.
  virtual result<bool> acknowledge(const std::string& alert) = 0;
  /// Those of `alerts` that somebody looks after.
  virtual result<std::vector<std::string>> acknowledged(const std::vector<std::string>& alerts) = 0;
  /// Lets a channel be used again that was disabled.
  virtual status enable(const std::string& pipeline, const std::string& channel) = 0;
  /// The values that a run had of its pipeline's params, as text; null where it is not known.
  virtual result<options> params_of(const std::string& run) = 0;
};

/// A Store that has a delivery log: each of them. Apart from `store`, because few need it.
class keeps_deliveries {
 public:
  virtual ~keeps_deliveries() = default;
  virtual delivery_log& deliveries() = 0;
};
/// The delivery log of a Store; lives as long as it.
delivery_log& deliveries_of(store& in);

}  // namespace sluice::store
