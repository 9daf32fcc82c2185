#pragma once

#include "engine/notify/channel_queue.hpp"
#include "engine/notify/condition.hpp"
#include "engine/notify/delivery_book.hpp"
#include "engine/notify/inhibition.hpp"
#include "engine/notify/log_batch.hpp"
#include "engine/notify/rule.hpp"
#include "engine/notify/silences.hpp"
#include "engine/notify/subscriber.hpp"
#include "engine/store/store.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
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

/// What a look at events or at the clock has done.
struct derived_turn {
  bool wake = false;                           ///< there may be something to send
  std::optional<std::int64_t> next_pass = {};  ///< when `pass` has something to do next
};

/// What a turn of sending has done.
struct sent_turn {
  std::size_t tried = 0;
  std::optional<std::int64_t> next = {};  ///< when the next delivery is due that is in the Store
};

/// The work of one subscription that this process holds. Calls block. `derive`, `pass` and `close` come one at a time;
/// `send` may come from several threads at once, also beside them. What is to be kept goes into the book, whose owner
/// writes it.
class rule_worker : public std::enable_shared_from_this<rule_worker> {
 public:
  /// Errors: those of the channels; invalid_rule, where the rule can't be read (a newer version wrote it).
  static result<std::shared_ptr<rule_worker>> make(const store::subscription& held, std::shared_ptr<store::store> in,
                                                   std::shared_ptr<delivery_book> book, const channel_maker& make,
                                                   clock_function now);

  /// Makes messages of events, which follow those before without a gap; those up to `at` are left out. `until`: behind
  /// that cursor no event concerns the rule.
  result<derived_turn> derive(log_batch& events, std::optional<std::int64_t> until);
  /// Time has passed, see `rule::pass`.
  result<derived_turn> pass(bool close);
  /// There are no events between `at` and this cursor.
  void skip_to(std::int64_t cursor) { at_ = std::max(at_.load(), cursor); }
  /// Keeps how far the log was read, before the process leaves the subscription.
  void close();

  /// Sends what is due at a channel, of one lane and in order.
  result<sent_turn> send(const std::string& channel);
  /// There is something to send, or to look for.
  [[nodiscard]] bool ready(const std::string& name) const { return channels_.at(name).queue.ready(); }
  /// Something was made or tried that is not durable yet.
  [[nodiscard]] bool busy() const;
  /// The receiver of a channel wants nothing any more.
  void disable(const std::string& name);

  [[nodiscard]] const store::subscription& held() const { return held_; }
  [[nodiscard]] std::vector<std::string> channels() const;
  [[nodiscard]] std::int64_t at() const { return at_; }
  /// Lets calls of channels end soon.
  void interrupt() noexcept;

 private:
  struct channel {
    std::shared_ptr<subscriber> what = {};
    channel_queue queue = {};
  };

  rule_worker(const store::subscription& held, std::shared_ptr<store::store> in, std::shared_ptr<delivery_book> book,
              clock_function now);

  bool keep(const log_batch* made_of, bool always);
  [[nodiscard]] options state() const;
  result<std::vector<std::size_t>> ours(log_batch& events, std::optional<std::int64_t> until) const;
  result<std::vector<options>> params_of(const std::vector<store::event>& events, const std::vector<std::size_t>& rows);
  status silence(log_batch& events, const std::vector<std::size_t>& rows, std::vector<bool>& matches,
                 const std::vector<options>& params);
  status inhibit(const log_batch& events, const std::vector<std::size_t>& rows, std::vector<bool>& matches,
                 const std::vector<options>& params);
  void drop(const store::event& what, const std::string& why);
  result<std::optional<std::int64_t>> look_for_missing();
  [[nodiscard]] bool concerns(const store::event& what, std::optional<std::int64_t> until) const;
  [[nodiscard]] notice notice_about(const store::delivery& what) const;
  result<notice> notice_of(const store::delivery& what);
  sent_turn send_fresh(channel& through, const std::string& name, std::vector<channel_queue::message> messages);
  result<sent_turn> send_stored(channel& through, const std::string& name);
  store::tried_delivery outcome_of(const store::delivery& what, delivery_attempt attempt, bool gone) const;
  void finish(channel& through, const std::string& name, const std::string& lane, finished_turn turn);

  store::subscription held_;
  std::shared_ptr<store::store> store_;
  std::shared_ptr<delivery_book> book_;
  clock_function now_;
  rule rule_;
  std::shared_ptr<const condition> when_;  ///< null: every event
  silence_list silences_;
  inhibition inhibited_;
  std::atomic<std::int64_t> at_;            ///< events up to here were taken
  std::int64_t kept_;                       ///< and that is in the book up to here
  bool remembers_ = false;                  ///< what it makes of an event depends on those before
  std::optional<std::int64_t> known_from_;  ///< read up to here it knows whether an event is missing
  std::vector<store::delivery> dropped_;    ///< of the events that are being looked at
  std::map<std::string, options> params_;   ///< of runs
  std::map<std::string, channel> channels_;
};

}  // namespace sluice::notify
