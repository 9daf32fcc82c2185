#pragma once

#include "engine/store/deliveries.hpp"
#include "engine/store/store.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::notify {

/// What is on its way to one channel of a rule. Messages that were just made are sent from here at once, while the
/// Store makes them durable; where the channel is slow, or one of them has failed, later ones are found in the Store,
/// in their turn. Messages of a lane go out in order, whichever way they take. At most 64 wait here. Thread-safe.
class channel_queue {
 public:
  struct message {
    store::delivery what;
    std::shared_ptr<const store::event> event;  ///< that it tells of
  };

  /// The next message of a lane: true where it may go at once, by `push`, when it is on its way to the Store; else it
  /// will be found there. One caller at a time makes messages.
  bool admit(const std::string& lane);
  void push(message one);
  /// The same for a message that must not go at once.
  void to_store();
  /// So many messages are durable in the Store.
  void stored(std::size_t messages);
  /// Somebody else has put messages there.
  void look();

  /// The next messages of a lane that nobody works on, up to `most`; to be followed by `tried`.
  std::vector<message> take(std::size_t most);
  /// The same with what is due in the Store, but for lanes that are busy.
  using finder = std::function<result<std::vector<store::delivery>>(const std::vector<std::string>& busy)>;
  result<std::vector<store::delivery>> take_stored(const finder& due);
  /// The messages of a lane were tried; one that failed is tried again from the Store. To be followed by `settled`.
  void tried(const std::string& lane, bool failed);
  /// What became of them is durable.
  void settled(const std::string& lane);
  /// They were not tried after all.
  void release(const std::string& lane);

  /// The Store has messages that are not here, or may have.
  [[nodiscard]] bool behind() const;
  /// Nothing is open in the Store but of busy lanes, says one who has looked since `messages_to_store` was `before`.
  void caught_up(std::uint64_t before);
  [[nodiscard]] std::uint64_t messages_to_store() const;
  /// From now on nothing goes at once: the receiver wants nothing any more.
  void close();
  /// There is something to be sent, or to look for in the Store.
  [[nodiscard]] bool ready() const;
  /// Something is being sent, or is not durable yet.
  [[nodiscard]] bool busy() const;

 private:
  struct lane_state {
    std::size_t waiting = 0;    ///< admitted, and not taken
    bool working = false;       ///< somebody tries to send
    std::size_t unsettled = 0;  ///< tries whose outcome is not durable
    bool failed = false;        ///< what comes now is sent from the Store
  };
  void forget_if_idle(const std::string& lane);

  mutable std::mutex lock_;
  std::deque<message> fresh_;
  std::size_t admitted_ = 0;
  std::map<std::string, lane_state> lanes_;  ///< those that are busy
  bool behind_ = true;                       ///< until somebody has looked
  bool closed_ = false;
  std::int64_t unstored_ = 0;
  std::uint64_t to_store_ = 0;
};

}  // namespace sluice::notify
