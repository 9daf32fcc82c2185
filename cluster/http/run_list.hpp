#pragma once

#include "engine/component/options.hpp"
#include "engine/store/store.hpp"

namespace sluice::cluster {

/// A run for lists: its rows in all instead of those of each unit, and without params and process. `progress`, of one
/// that is at work, is what the API shows of it, or null.
options brief_run(const store::run_record& run, const options& progress);

}  // namespace sluice::cluster
