#pragma once

#include "engine/store/store.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::flow {

/// One subscriber's place in the event log. It gets events in order without gaps, from a short queue of those just
/// written or, where something is missing there, from the Store: news come from many writers, in any order, and those
/// of other processes not at all. So a slow subscriber costs bounded memory too.
class event_feed {
 public:
  /// Wants events with a cursor above `after`; `run` empty: of all runs.
  event_feed(std::int64_t after, std::string run, std::size_t most_queued = 256)
      : run_(std::move(run)), at_(after), most_(most_queued) {
    if (after == 0) sequence_ = 0;
  }

  /// Events became durable; those of one run in order, those of several runs as they come.
  void written(const std::vector<store::event>& events);
  /// The Store's newest event has this cursor, whoever wrote it.
  void newest(std::int64_t cursor);

  enum class step { nothing, deliver, read };
  /// What is to be done next: deliver `take`, or read the Store above `at` and say `read`.
  [[nodiscard]] step next() const;
  /// What follows without a gap; the subscriber is busy until `seen`.
  std::vector<store::event> take();
  /// The Store was read above `at` with that limit: these are to be delivered.
  std::vector<store::event> read(std::vector<store::event> events, std::size_t limit);
  /// The Store is being read.
  void reading() {
    busy_ = true;
    missed_ = false;
  }
  /// The subscriber is done with what it got.
  void seen() { busy_ = false; }

  [[nodiscard]] std::int64_t at() const { return at_; }
  [[nodiscard]] const std::string& run() const { return run_; }

 private:
  /// Whether an event comes directly behind the last one delivered.
  [[nodiscard]] bool follows(const store::event& what) const;
  void delivered(const store::event& last);

  std::string run_;
  std::int64_t at_;                            ///< cursor of the last event delivered
  std::optional<std::int64_t> sequence_ = {};  ///< its number within the run, for a feed of one run
  std::size_t most_;
  std::map<std::int64_t, store::event> queue_;  ///< by cursor
  std::int64_t looked_ = 0;                     ///< newest cursor that was heard of
  bool behind_ = true;                          ///< the Store has events that are not in the queue
  bool missed_ = false;                         ///< some came while the Store was read
  bool busy_ = false;
};

}  // namespace sluice::flow
