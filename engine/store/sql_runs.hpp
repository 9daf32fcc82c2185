#pragma once

#include "engine/store/store.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::store {

class database;

// The SQL of looking at runs.

/// Newest first, without plan, text and context. Error: run_not_found, where there is no run `query.after`.
result<std::vector<run_record>> read_runs(database& in, const run_query& query);
/// The whole record. Errors: run_not_found, ambiguous_run.
result<run_record> read_run(database& in, const std::string& reference);
/// What a write needs to know of its run.
struct run_standing {
  bool found = false;
  run_state state = run_state::queued;
  std::int64_t term = 0;
  std::int64_t newest_term = 0;  ///< of all controllers
  std::int64_t sequence = 0;
  std::string pipeline = {};
  std::string owner = {};
  std::vector<std::string> tags = {};
};
result<run_standing> read_standing(database& in, const std::string& run);
error no_such_run(const std::string& reference);
/// The texts of a JSON list.
std::vector<std::string> names_from(const std::string& text);

}  // namespace sluice::store
