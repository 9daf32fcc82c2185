#pragma once

#include "engine/clients/rabbitmq/connection.hpp"
#include "engine/component/down_note.hpp"
#include "engine/component/interruption.hpp"
#include "engine/component/retry.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::rabbitmq {

/// A message to send.
struct outgoing {
  std::uint64_t number = 0;  ///< the caller's own, to name it when it was not taken
  std::string routing_key;   ///< at most 255 bytes, as message_id and the name of the exchange
  std::string message_id;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool persistent = true;
};

/// A message that the broker could not give to any queue.
struct unroutable {
  std::uint64_t number = 0;
  std::string why;  ///< the broker's text: NO_ROUTE
};

/// Sends messages to an exchange and waits for the broker to confirm them; each is sent as mandatory, because the
/// broker confirms one that no queue takes as well. Makes a lost connection anew and sends again what was not
/// confirmed: such a message may arrive twice. Calls come from one thread at a time, but for `interrupt`.
class publisher {
 public:
  /// A connection counts as lost where nothing is confirmed for `patience`.
  publisher(server where, std::string exchange, const retry_rule& retry, std::uint64_t seed,
            std::chrono::milliseconds patience = std::chrono::seconds(60));
  ~publisher();
  publisher(const publisher&) = delete;
  publisher& operator=(const publisher&) = delete;

  /// Connects and looks for the exchange (the one without name is always there).
  status open();
  /// Sends one; waits while many are not confirmed yet.
  status publish(outgoing what);
  /// Waits until everything is confirmed.
  status settle() { return wait_below(1); }
  /// Those that were not taken, since the last call.
  [[nodiscard]] std::vector<unroutable> take_unroutable() { return std::exchange(unroutable_, {}); }
  void interrupt() noexcept;
  /// Since when and why it is tried again. From any thread.
  [[nodiscard]] std::optional<down_state> down() const { return down_.state(); }

 private:
  struct pending {
    outgoing what;
    std::uint64_t tag = 0;  ///< on this connection
    bool confirmed = false;
    std::optional<std::string> returned = {};
  };

  /// Does something until it works, with a new connection each time, as `retry:` allows.
  template <class Work>
  status persist(Work&& work);
  status connect();
  status send(pending& one);
  status wait_below(std::size_t count);
  /// Reads one frame, if one comes in time.
  status pump(std::chrono::milliseconds longest);
  status take_return(const void* method);
  void confirm(std::uint64_t tag, bool all_up_to_it);
  void close() noexcept;

  const server where_;
  const std::string exchange_;
  const std::chrono::milliseconds patience_;
  backoff waits_;
  down_note down_;
  interruption stop_;
  std::deque<pending> pending_;  ///< in the order in which they were sent
  std::size_t bytes_ = 0;        ///< of their bodies
  std::uint64_t last_tag_ = 0;
  std::vector<unroutable> unroutable_;
  std::mutex lock_;  ///< of `open_`, where it is set, and read by another thread
  std::unique_ptr<connection> open_;
};

}  // namespace sluice::rabbitmq
