#pragma once

#include "engine/notify/condition.hpp"
#include "engine/notify/inhibition.hpp"
#include "engine/notify/rule.hpp"
#include "engine/notify/silences.hpp"
#include "engine/notify/subscriber.hpp"
#include "engine/store/store.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace sluice::notify {

/// Microseconds since 1970 UTC; tests put their own clock in its place.
using clock_function = std::function<std::int64_t()>;
/// Makes the channel of a kind; tests put their own in its place.
using channel_maker =
    std::function<result<std::shared_ptr<subscriber>>(const std::string& name, const options& channel)>;

/// Makes the channels that subscriptions name: finds the component and fills its secrets in. The error of a secret that
/// is not set here is missing_secret.
result<std::shared_ptr<subscriber>> make_channel(const std::string& name, const options& channel);

/// What a turn of sending has done.
struct sent_turn {
  std::size_t tried = 0;
  std::optional<std::int64_t> next = {};  ///< when the next delivery is due
  std::vector<store::event> events = {};  ///< that tell of the channel, as they were written
};

/// The work of one subscription that this process holds. Calls block. `derive` and `pass` come one at a time; `send`
/// may come from several threads at once, also beside them.
class rule_worker {
 public:
  /// Errors: those of the channels; invalid_rule, where the rule can't be read (a newer version wrote it).
  static result<std::shared_ptr<rule_worker>> make(const store::subscription& held, std::shared_ptr<store::store> in,
                                                   const channel_maker& make, clock_function now);

  /// Makes messages of events, which follow those before without a gap, and keeps them. Gives whether there are any.
  result<bool> derive(const std::vector<store::event>& events);
  /// Time has passed, see `rule::pass`.
  result<bool> pass(bool close);
  /// When `pass` has something to do next.
  [[nodiscard]] std::optional<std::int64_t> next_pass() const;
  /// Sends what is due at a channel, of one lane and in order.
  result<sent_turn> send(const std::string& channel);
  /// Keeps how far the log was read, where that is not known yet. To be called before the process ends.
  status keep_mark();

  [[nodiscard]] const store::subscription& held() const { return held_; }
  [[nodiscard]] std::vector<std::string> channels() const;
  [[nodiscard]] std::int64_t at() const { return at_; }
  /// Lets calls of channels end soon.
  void interrupt() noexcept;

 private:
  struct channel {
    std::shared_ptr<subscriber> what;
    std::mutex lock = {};
    std::set<std::string> busy = {};  ///< lanes that a thread works on
  };

  rule_worker(const store::subscription& held, std::shared_ptr<store::store> in, clock_function now)
      : held_(held),
        store_(std::move(in)),
        now_(std::move(now)),
        rule_(settings_from(held), held.state),
        at_(held.mark),
        kept_(held.mark) {}

  result<bool> keep(bool always);
  result<std::vector<options>> params_of(const std::vector<store::event>& events);
  status silence(const std::vector<store::event>& events, std::vector<bool>& matches,
                 const std::vector<options>& params);
  status inhibit(const std::vector<store::event>& events, std::vector<bool>& matches,
                 const std::vector<options>& params);
  void drop(const store::event& what, const std::string& why);
  [[nodiscard]] bool concerns(const store::event& what) const;
  result<notice> notice_of(const store::delivery& what);
  result<sent_turn> send_lane(channel& through, const std::string& name, const std::vector<store::delivery>& due);
  result<sent_turn> note(const std::string& name, const std::vector<store::tried_delivery>& outcomes,
                         const std::vector<store::delivery>& due, bool disable);

  store::subscription held_;
  std::shared_ptr<store::store> store_;
  clock_function now_;
  rule rule_;
  std::shared_ptr<const condition> when_;  ///< null: every event
  silence_list silences_;
  inhibition inhibited_;
  std::int64_t at_;                        ///< events up to here were taken
  std::int64_t kept_;                      ///< and that is durable up to here
  std::vector<store::delivery> unkept_;    ///< messages that the Store has not taken yet
  std::map<std::string, options> params_;  ///< of runs
  std::map<std::string, channel> channels_;
};

}  // namespace sluice::notify
