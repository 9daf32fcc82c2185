#pragma once

#include "engine/flow/channels.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice::flow {

/// What one unit instance did with its rows. Every term is counted where it happens, never as a difference.
/// The law of every unit: in + added = out + filtered + merged + rejected + waiting, and at a checkpoint + held.
struct unit_counters {
  std::uint64_t in = 0;        ///< records read, or rows taken from the inputs and worked on
  std::uint64_t added = 0;     ///< output rows beyond the input rows (join, unnest)
  std::uint64_t out = 0;       ///< rows given to all ports but the rejects port; sinks: rows loaded
  std::uint64_t filtered = 0;  ///< dropped by the user's own rule
  std::uint64_t merged = 0;    ///< became part of another row
  std::uint64_t rejected = 0;  ///< went to the rejects
  std::uint64_t set_null = 0;  ///< values replaced by null
  std::uint64_t skipped = 0;   ///< arrived after the unit's result was complete (limit), not part of `in`
  std::uint64_t bytes = 0;     ///< input bytes that a source consumed, or bytes that a sink wrote
  std::uint64_t batches = 0;   ///< batches taken in or read
  std::uint64_t waiting = 0;   ///< sinks: rows on disk that the target, which is down, does not have yet

  unit_counters& operator+=(const unit_counters& other);
  friend bool operator==(const unit_counters&, const unit_counters&) = default;
};

/// What one end of a channel counted.
struct channel_counters {
  channel_id channel;
  std::uint64_t rows = 0;     ///< sent, or received
  std::uint64_t dropped = 0;  ///< sender: made for the channel after the receiver had said that it needs no more
};

/// The last word of an instance.
struct instance_report {
  instance_id who;
  unit_counters counters;
  std::vector<std::uint64_t> port_rows;  ///< rows given to each output port, the rejects port included
  std::vector<channel_counters> sent;
  std::vector<channel_counters> received;
  bool stopped_early = false;  ///< nobody needed more of it: rows that it still held were given up
};

/// Collects the reports of a run and says whether every row is accounted for.
class balance {
 public:
  /// `held`: rows that the instance has taken in and not yet given, at a checkpoint.
  void add(instance_report report, std::uint64_t held = 0);
  /// The counters of a unit, its instances summed.
  [[nodiscard]] unit_counters of_unit(std::uint32_t unit) const;
  /// Finds what does not add up: error rows_lost, naming the unit or edge and both numbers. Reports that are missing
  /// are an error too.
  [[nodiscard]] status verify(const plan& of) const;

 private:
  [[nodiscard]] status verify_unit(const plan& of, const instance_report& report) const;
  [[nodiscard]] status verify_edges(const plan& of) const;

  std::map<instance_id, instance_report> reports_;
  std::map<instance_id, std::uint64_t> held_;
};

}  // namespace sluice::flow
