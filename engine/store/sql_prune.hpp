#pragma once

#include "engine/error/error.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::store {

class database;

struct prune_rule {
  std::int64_t before = 0;    ///< microseconds since 1970 UTC: runs that ended earlier
  std::string pipeline = {};  ///< empty: of all
  bool only_look = false;
};

struct pruned {
  std::vector<std::string> runs = {};  ///< ids, oldest first
  std::int64_t events = 0;
  std::int64_t waiting = 0;  ///< runs that were kept because somebody has not been told of them yet
};

/// Removes runs that have ended, with their events, transitions and decisions, from a Store, in transactions of a few
/// hundred runs, so that others can write in between. Kept are: the newest run of each pipeline with the same params,
/// and what it continues after; runs whose commits are due; runs of which a subscription has not read all events, or a
/// notification waits. Totals and what incremental sources have loaded are not touched. A SQLite file's pages are used
/// again; it does not shrink. Blocks.
result<pruned> prune(database& in, const prune_rule& rule);

}  // namespace sluice::store
