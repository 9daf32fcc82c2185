#pragma once

#include "engine/component/options.hpp"
#include "engine/flow/conservation.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::flow {

/// How far a split had been read when a barrier was sent.
struct split_state {
  std::uint32_t split = 0;
  std::string position = {};   ///< `source::open` goes on there; empty: at its begin
  bool ended = false;          ///< read to its end
  std::uint64_t sequence = 0;  ///< order_key::sequence of its next batch
  /// When the latest of its rows happened, where somebody below needs to know; microseconds since 1970 UTC.
  std::optional<std::int64_t> latest = {};

  friend bool operator==(const split_state&, const split_state&) = default;
};

/// What a unit holds, in a file of its own.
struct saved_state {
  std::string name = {};  ///< below the folder of the run's checkpoints; empty: it holds nothing
  std::uint64_t bytes = 0;
  std::string hash = {};  ///< XXH3-128 of the file, hexadecimal

  friend bool operator==(const saved_state&, const saved_state&) = default;
};

/// An instance as it was at a barrier: what a successor of it begins with.
struct instance_snapshot {
  instance_report report = {};  ///< counted up to the barrier
  std::uint64_t held = 0;       ///< rows taken in that have not come out
  bool finished = false;        ///< its last word: it had nothing more to do
  std::string streams = {};     ///< where its inputs and outputs stand in their orders; bytes of its own
  saved_state state = {};
  std::vector<split_state> splits = {};  ///< of a source's reader: open ones, and those ended since the last barrier
  std::optional<std::int64_t> watermark = {};  ///< of a source's reader: the last one that it has passed on
};

/// How far a source has been read: what is not listed is unassigned.
using source_progress = std::map<std::uint32_t, split_state>;

/// The counts of a run at a checkpoint, for recent_rejects.
struct rejects_sample {
  std::int64_t time = 0;  ///< microseconds for which the run was at work
  std::uint64_t rejected = 0;
  std::uint64_t read = 0;

  friend bool operator==(const rejects_sample&, const rejects_sample&) = default;
};

/// A whole run at a checkpoint.
struct run_snapshot {
  std::vector<instance_snapshot> instances = {};        ///< enumerators have none
  std::map<std::string, source_progress> sources = {};  ///< by unit
  std::map<std::string, std::int64_t> watermarks = {};  ///< by unit: of sources
  std::map<std::string, std::string> inputs = {};       ///< by unit: what a bounded source reads, as a hash
  std::uint64_t rejects_rows = 0;
  std::uint64_t rejects_bytes = 0;                  ///< length of the rejects' file
  std::vector<rejects_sample> recent_rejects = {};  ///< of a run without end

  [[nodiscard]] const instance_snapshot* find(const instance_id& who) const;
};

/// As the manifest keeps it; and back. Error: foreign_state.
options to_json(const run_snapshot& what);
result<run_snapshot> snapshot_from(const options& json);

}  // namespace sluice::flow
