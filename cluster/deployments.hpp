#pragma once

#include "cluster/http_client.hpp"
#include "config/load.hpp"
#include "engine/schedule/settings.hpp"
#include "engine/store/schedules.hpp"
#include "engine/store/store.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sluice::cluster {

/// What has become of a deployment.
struct deployed_answer {
  std::string pipeline;
  bool replaced = false;  ///< there was one of that name
  options schedule;       ///< null where it has none
};

/// Reads a pipeline and keeps it with its schedule and its notifications; params and environment are those of
/// `what` from now on. Nothing that it reads or writes is looked at. `node_config`: the node's own file of --config;
/// empty: none. Faults come with their places in the file. Blocks for the Store.
result<deployed_answer> deploy_pipeline(store::store& in, const submission& what, const std::string& node_config,
                                        diagnostics& faults);

/// What the run of a start is submitted with.
submission submission_of(const store::deployed_pipeline& what, const store::pending_start& start);
/// What is kept with that run: reason, due time, parents, and the backfill.
options origin_of(const store::pending_start& start);

/// A deployed pipeline as the API and `sluice pipelines` show it: schedule, next run, last success, lateness.
options deployed_to_json(const store::deployed_pipeline& what, const store::schedule_standing& standing,
                         std::int64_t now);
options start_to_json(const store::pending_start& what);

/// What `sluice backfill` asks for.
struct backfill_request {
  std::string pipeline;
  std::string from;  ///< as users write times; in the schedule's zone
  std::string to;    ///< likewise; that time itself is included
  std::int64_t concurrency = 1;
  std::string param;       ///< gets the date of each due time; empty: none
  std::int64_t every = 0;  ///< microseconds between due times; 0: those of the schedule
  std::map<std::string, std::string> params = {};
};
struct backfill_answer {
  std::string batch;
  std::int64_t runs = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;
};
/// Keeps a start for each due time from `from` to `to`. Errors: not_deployed, invalid_backfill, invalid_time.
result<backfill_answer> backfill_pipeline(store::store& in, const backfill_request& what,
                                          const std::string& node_config);

/// Keeps a start that somebody asked for. `key`: the same one gives the same start; empty: a new one. Gives the run's
/// id. Errors: not_deployed.
result<std::string> trigger_pipeline(store::store& in, const std::string& pipeline, const std::string& key,
                                     const std::map<std::string, std::string>& params, const char* reason,
                                     std::int64_t due);

/// The settings of a deployment's pipeline, read again. Faults are appended.
std::optional<config::loaded> load_deployed(const submission& what, const std::string& node_config,
                                            std::optional<std::int64_t> due_at, diagnostics& faults);

}  // namespace sluice::cluster
