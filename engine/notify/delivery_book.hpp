#pragma once

#include "engine/store/deliveries.hpp"
#include "engine/store/store.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sluice::notify {

/// Tries at one channel, in order.
struct finished_turn {
  std::string subscription = {};
  std::string pipeline = {};
  std::string channel = {};
  std::vector<store::tried_delivery> outcomes = {};
  std::int64_t tries_before = 0;  ///< of the last one
  bool disable = false;           ///< the receiver wants nothing any more, said the last one
};

/// What the rules of a process have made, and what became of it, on its way to the Store: all that has come since the
/// last write goes into the next one. `add` is thread-safe; `write` is called by one at a time.
class delivery_book {
 public:
  using callback = std::function<void()>;

  explicit delivery_book(std::shared_ptr<store::store> in) : store_(std::move(in)) {}

  /// Messages and the mark of a subscription; what became of a message is to be added later than the message. `then` is
  /// called when it is durable.
  void add(store::derived what, callback then);
  void add(finished_turn what, callback then);

  struct written {
    std::set<std::string> subscriptions = {};                        ///< of which something is durable now
    std::vector<std::string> taken = {};                             ///< those that another process works on
    std::vector<store::event> events = {};                           ///< that tell of channels
    std::vector<std::pair<std::string, std::string>> disabled = {};  ///< pipeline and channel
  };
  /// Makes durable what was added, in one transaction. Where that fails it is kept for the next call.
  result<written> write();
  /// Messages and tries that are not durable.
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct entries {
    std::vector<store::derived> made = {};
    std::vector<finished_turn> finished = {};
    std::vector<callback> then = {};
    std::size_t size = 0;
  };
  void put_back(entries what);
  result<std::vector<store::tried_turn>> turns_of(const entries& what) const;

  std::shared_ptr<store::store> store_;
  mutable std::mutex lock_;
  entries waiting_;
};

/// How a channel does after some tries, and the events that tell of it: a channel is failing after three failures in a
/// row, until a delivery succeeds.
std::vector<store::event> note_tries(store::channel_health& health, const finished_turn& what);

}  // namespace sluice::notify
