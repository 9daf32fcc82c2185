#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"
#include "engine/store/source_state.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::store {

/// What one instance of a sink has made durable and not visible yet.
struct prepared_sink {
  std::string unit = {};
  std::uint32_t instance = 0;
  std::string token = {};   ///< bytes that `sink::commit` takes
  std::string target = {};  ///< shown to users
  std::uint64_t rows = 0;
};

/// A complete checkpoint, and the decision to commit its epoch: all that anyone needs who makes it visible, or goes on
/// behind it. Once it is in the Store the epoch counts; the commits that follow may be repeated by any process.
struct manifest {
  std::int64_t epoch = 1;
  std::string end = {};  ///< the run's final state when all is visible: succeeded or partial; empty: it goes on
  std::vector<prepared_sink> sinks = {};    ///< to be committed now
  std::vector<prepared_sink> held = {};     ///< of this epoch and earlier ones, to be committed at the end of the run
  std::vector<source_change> sources = {};  ///< count from the moment when all sinks are committed
  options snapshot = {};                    ///< flow::run_snapshot; null: nobody can continue after it
  bool savepoint = false;                   ///< asked for by a user: kept until it is removed
};

/// A checkpoint as it is kept.
struct checkpoint_record {
  std::string run = {};
  std::string pipeline = {};
  std::int64_t completed = 0;  ///< microseconds since 1970 UTC
  std::int64_t committed = 0;  ///< likewise; 0: its commits are due
  manifest what = {};
};
/// A checkpoint as users see it: epoch, times, bytes of the units' files, how far each source was read.
options summary_of(const checkpoint_record& what);
/// How many checkpoints of a run are kept, besides savepoints.
inline constexpr std::int64_t kept_checkpoints = 3;

options to_json(const manifest& what);
manifest manifest_from(const options& json);

enum class commit_state {
  decided,    ///< sinks are to be committed
  refused,    ///< a target refuses for good, the run has failed; the same pipeline's next run tries again
  committed,  ///< all is visible
  dropped,    ///< given up by --fresh
};

/// A manifest whose commits are due.
struct due_commit {
  std::string run = {};
  std::string pipeline = {};
  commit_state state = commit_state::decided;
  bool alive = false;  ///< its process lives and does it itself
  manifest what = {};
};

}  // namespace sluice::store
