#pragma once

#include "engine/store/store.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace sluice::flow {

/// One subscriber's place in the event log. It gets events in order without gaps, from a short queue of those just
/// written or, where it is further behind than that, from the Store; so a slow one costs bounded memory.
class event_feed {
 public:
  /// Wants events with a cursor above `after`; `run` empty: of all runs.
  event_feed(std::int64_t after, std::string run, std::size_t most_queued = 256)
      : run_(std::move(run)), at_(after), most_(most_queued) {}

  /// Events became durable, in order.
  void written(const std::vector<store::event>& events);

  enum class step { nothing, deliver, read };
  /// What is to be done next: deliver `take`, or read the Store above `at` and say `read`.
  [[nodiscard]] step next() const;
  /// Everything queued; the subscriber is busy until `seen`.
  std::vector<store::event> take();
  /// The Store was read above `at` with that limit: these are to be delivered.
  std::vector<store::event> read(std::vector<store::event> events, std::size_t limit);
  /// The Store is being read.
  void reading() { busy_ = true; }
  /// The subscriber is done with what it got.
  void seen() { busy_ = false; }

  [[nodiscard]] std::int64_t at() const { return at_; }
  [[nodiscard]] const std::string& run() const { return run_; }

 private:
  std::string run_;
  std::int64_t at_;  ///< cursor of the last event delivered
  std::size_t most_;
  std::int64_t newest_ = 0;  ///< cursor of the last event of these runs that was written
  std::deque<store::event> queue_;
  bool behind_ = true;  ///< the queue does not follow `at_`: the Store has what is between
  bool busy_ = false;
};

}  // namespace sluice::flow
