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

/// The decision to commit an epoch of a run: all that anyone needs who makes it visible. Once it is in the Store the
/// epoch counts; the commits that follow may be repeated by any process.
struct manifest {
  std::int64_t epoch = 1;
  std::string end = {};  ///< the run's final state when all is visible: succeeded or partial
  std::vector<prepared_sink> sinks = {};
  std::vector<source_change> sources = {};  ///< count from the moment when all sinks are committed
};

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
