#pragma once

#include "engine/component/options.hpp"
#include "engine/store/deliveries.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::notify {

/// `group:` of a rule. Times in microseconds.
struct grouping {
  std::vector<std::string> by = {};  ///< pipeline, type, owner, unit, run, severity
  std::int64_t wait = 30'000'000;    ///< from the first event to the message
  std::int64_t every = 300'000'000;  ///< from one message to the next
  std::int64_t most = 10;            ///< events that a message shows; the rest is counted
};

struct escalation {
  std::int64_t after = 0;
  std::vector<std::string> to = {};
};

/// A rule of `notify:` as the Store keeps it in a subscription's spec.
struct rule_settings {
  std::string subscription = {};  ///< its id
  std::string when = {};
  std::vector<std::string> to = {};
  bool any_order = false;
  std::optional<grouping> group = {};
  std::optional<std::int64_t> repeat = {};
  bool resolved = false;
  std::vector<escalation> escalate = {};
  std::optional<std::int64_t> heartbeat = {};  ///< tells in this interval that somebody works on the rule
  std::optional<std::int64_t> absent = {};  ///< tells that no event has matched for this time, in place of the events

  /// Whether failures are one alert an episode, not one message an event.
  [[nodiscard]] bool has_alerts() const { return repeat || resolved || !escalate.empty(); }
};
rule_settings settings_from(const store::subscription& kept);

/// A message that a rule makes: it goes to each of `channels`.
struct made_message {
  std::vector<std::string> channels = {};
  store::delivery what = {};
};

/// The type of what is told where no event has matched for the time `absent`. It is not in the log.
constexpr const char* missing_type = "events.missing";

/// Turns events into messages: groups them, opens and resolves alerts, repeats and escalates. A plain state machine:
/// time is an argument, what it remembers is `state()`, and the same events at the same times give the same messages
/// with the same ids, in whatever process.
class rule {
 public:
  rule(rule_settings settings, const options& state);

  /// The next event of the log, and whether `when` is true of it.
  void take(const store::event& what, bool matches, std::int64_t now);
  /// Time has passed. `acknowledged`: ids of alerts that somebody looks after. `close`: sends open groups at once,
  /// because the process ends and nobody may come back soon.
  void pass(std::int64_t now, const std::set<std::string>& acknowledged, bool close = false);
  /// No event has matched for the time `absent`, as far as it has taken them, and that was not told yet.
  [[nodiscard]] bool is_missing(std::int64_t now) const;
  /// Tells it. For who knows that there is no later event.
  void miss(std::int64_t now);
  /// When `pass` or `miss` has something to do next.
  [[nodiscard]] std::optional<std::int64_t> next() const;
  /// Messages since the last call.
  std::vector<made_message> take_messages();
  [[nodiscard]] options state() const;
  [[nodiscard]] const rule_settings& settings() const { return settings_; }
  /// Ids of the alerts that are open.
  [[nodiscard]] std::vector<std::string> open_alerts() const;

 private:
  struct collected {
    std::vector<std::int64_t> cursors = {};  ///< of the first `most`
    std::int64_t count = 0;
    std::int64_t since = 0;  ///< of the first
    std::int64_t last_sent = 0;
    std::map<std::string, std::int64_t> types = {};
    std::map<std::string, std::int64_t> causes = {};
    std::vector<std::string> alerts = {};  ///< fingerprints of those that it tells of for the first time
    std::string run = {};
    std::string type = {};
    std::int64_t newest = 0;
  };
  struct alert {
    std::string id = {};
    std::string lane = {};  ///< of all its messages, so that the end never comes before the beginning
    std::string type = {};
    std::string pipeline = {};
    std::string subject = {};  ///< the channel, of alerts about channels
    std::int64_t since = 0;
    std::int64_t first = 0;  ///< cursor
    std::int64_t last = 0;
    std::int64_t count = 0;
    std::int64_t sent = 0;  ///< when it was told; 0: it waits in a group
    std::int64_t next_repeat = 0;
    std::int64_t escalated = 0;  ///< steps that were taken
    bool acknowledged = false;
    std::vector<std::string> told = {};  ///< channels
  };

  void add(const store::event& what, std::int64_t now, const std::string& fingerprint);
  void resolve(const store::event& what, std::int64_t now);
  void send_group(const std::string& key, collected& group, std::int64_t now);
  void send_one(const store::event& what, std::int64_t now, const std::string& fingerprint);
  void tell(alert& about, const std::string& kind, const std::vector<std::string>& to, std::int64_t now,
            std::int64_t number);
  void beat(std::int64_t now);
  void come_again(const store::event& what, std::int64_t now);
  void mark_sent(const std::string& fingerprint, const std::string& lane, std::int64_t now);
  [[nodiscard]] std::int64_t group_due(const collected& group) const;
  [[nodiscard]] std::string group_key(const store::event& what) const;
  /// The channels of a rule without the one that an event is about: trouble with a channel is told on others.
  [[nodiscard]] std::vector<std::string> channels_for(const store::event& what) const;
  [[nodiscard]] std::string id_of(const std::string& kind, const std::string& name, std::int64_t number) const;

  rule_settings settings_;
  std::map<std::string, collected> groups_;
  std::map<std::string, alert> alerts_;  ///< by fingerprint
  std::vector<made_message> messages_;
  std::int64_t last_heartbeat_ = 0;
  std::int64_t last_match_ = 0;  ///< of rules with `absent`; 0: nobody has worked on the rule yet
};

/// What makes two failures the same trouble: pipeline, type, code and place of the cause.
std::string fingerprint_of(const store::event& what);

}  // namespace sluice::notify
