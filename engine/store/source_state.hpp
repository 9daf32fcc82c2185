#pragma once

#include "engine/component/options.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::store {

/// A file that a run has taken, as it was when the run was planned.
struct file_mark {
  std::string path = {};      ///< absolute
  std::int64_t size = 0;      ///< bytes taken, from the begin of the file
  std::int64_t modified = 0;  ///< nanoseconds since 1970
  std::string head = {};      ///< hash of the bytes taken, hexadecimal (of older versions: of the first 64 KiB)
  std::string tail = {};      ///< what shows that it was not written since; empty: nothing (older versions: a hash)
  std::string run = {};       ///< that took it (last); given by the Store, like the next one
  std::int64_t time = 0;      ///< microseconds since 1970 UTC
};

/// What the Store remembers of one extract unit between runs: how far it has read, and which columns it had.
struct source_state {
  std::string unit = {};
  options position = {};  ///< { by: file }, or { by: column, column, type, value, rows }; null: none
  options schema = {};    ///< [{ name, type }, ...] as SQL names; null: none
  std::vector<file_mark> files = {};
  std::string run = {};  ///< that wrote it last
  std::int64_t time = 0;
};

/// All of a pipeline's sources. The version changes with every write, so that a plan made from an older one is noticed.
struct pipeline_state {
  std::int64_t version = 0;
  std::vector<source_state> units = {};

  [[nodiscard]] const source_state* find(const std::string& unit) const {
    for (const auto& one : units)
      if (one.unit == unit) return &one;
    return nullptr;
  }
};

/// As JSON, for the API and the command line; `with_files`: each file too, else only their number.
options to_json(const std::string& pipeline, const pipeline_state& state, bool with_files);

/// What a run that has published its outputs adds to a unit's state.
struct source_change {
  std::string unit = {};
  std::optional<options> position = {};
  std::optional<options> schema = {};
  bool forget_files = false;          ///< the run began afresh: only `files` were taken
  std::vector<file_mark> files = {};  ///< taken by this run
};

/// What to forget of a pipeline's sources.
struct state_reset {
  std::string pipeline = {};
  std::optional<std::string> unit = {};  ///< not set: all
  bool positions = true;
  bool schema = true;
};

}  // namespace sluice::store
