#pragma once

#include "cluster/http/api.hpp"

#include <string>
#include <vector>

namespace sluice::cluster {

/// The newest runs that match a query, and that have `search` in pipeline, owner or tags, or begin with it in their id;
/// upper and lower case are the same. Empty: all.
result<std::vector<store::run_record>> find_runs(store::store& in, store::run_query what, const std::string& search);

/// A run for lists: its rows in all instead of those of each unit, and without params and process.
options brief_run(const store::run_record& run);

}  // namespace sluice::cluster
