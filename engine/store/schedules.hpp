#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::store {

struct event;
class store;

/// A pipeline that is deployed: what its runs are submitted with, its schedule, and how far that was worked off. Times
/// are microseconds since 1970 UTC.
struct deployed_pipeline {
  std::string name = {};
  std::string owner = {};
  options submission = {};  ///< text, file, base_folder, params, environment, config and config_file of a run
  options schedule = {};    ///< as `schedule::to_options` gives it; null: it is started by hand or by other pipelines
  bool paused = false;
  std::int64_t deployed = 0;  ///< when it last was
  std::int64_t mark = 0;      ///< due times up to here were looked at
  std::int64_t cursor = 0;    ///< events up to here were looked at
  options state = {};         ///< of the schedule: open sets of upstream runs, files
  std::int64_t revision = 0;  ///< ascends with each change; given by the Store
};

enum class start_state {
  waiting,    ///< its run is not there yet
  started,    ///< its run exists
  skipped,    ///< `overlap: skip`, while another run went on
  rejected,   ///< the pipeline can't be planned
  cancelled,  ///< the pipeline was deleted, or the backfill was stopped
};
std::string to_string(start_state state);

/// A run that is to be started: kept before anything is started, so that a process that dies leaves it to the next one.
/// The id of its run is fixed, and the Store never has two runs of one id: it is started once.
struct pending_start {
  std::int64_t number = 0;  ///< ascends; given by the Store
  std::string pipeline = {};
  std::string key = {};  ///< what it is for; there is one start of a key
  std::string run = {};  ///< id of its run, made of the key
  std::int64_t due = 0;
  std::string reason = {};       ///< cron, every, after, files, webhook, trigger, backfill, notify
  options params = {};           ///< texts that come before those of the deployment
  options parents = {};          ///< [{ pipeline, run }] that it was started by
  std::string batch = {};        ///< of a backfill
  std::int64_t concurrency = 0;  ///< of the batch: so many runs at a time
  std::int64_t deadline = 0;     ///< 0: none
  std::int64_t judged = 0;       ///< of the deadline: 0 not yet, 1 kept, 2 missed
  start_state state = start_state::waiting;
  std::int64_t created = 0;
  std::int64_t handled = 0;  ///< when it was started, skipped or rejected
  std::int64_t tries = 0;
  std::int64_t next_at = 0;  ///< a waiting one is tried then
  std::string problem = {};  ///< why it was not started
};

/// One atomic change of a pipeline's schedule: how far it was worked off, the runs that are due, and the events that
/// tell of it.
struct schedule_step {
  std::string pipeline = {};
  std::int64_t revision = 0;  ///< that was read; another one in the Store: nothing is changed
  std::int64_t mark = 0;
  std::int64_t cursor = 0;
  options state = {};
  std::vector<pending_start> starts = {};
  std::vector<event> events = {};  ///< without a run
};

/// What became of a start, or of its deadline.
struct start_outcome {
  std::int64_t number = 0;
  std::optional<start_state> state = {};  ///< of one that was waiting, with the three below
  std::optional<std::int64_t> judged = {};
  std::int64_t tries = 0;
  std::int64_t next_at = 0;
  std::string problem = {};
  std::vector<event> events = {};  ///< without a run
};

struct start_query {
  std::string pipeline = {};  ///< empty: any
  std::string batch = {};     ///< likewise
  std::optional<start_state> state = {};
  std::int64_t limit = 50;
};

/// What is known of a deployed pipeline beside what was deployed.
struct schedule_standing {
  std::string pipeline = {};
  std::int64_t last_success = 0;  ///< when a run last ended as succeeded or partial; 0: never
  std::int64_t last_end = 0;
  std::int64_t late_due = 0;       ///< the newest start that missed its deadline; 0: none
  std::int64_t late_deadline = 0;  ///< its deadline
  std::int64_t waiting = 0;        ///< starts whose runs are not there yet
};

/// The part of a Store that keeps deployed pipelines and the runs that are due. Calls block; thread-safe.
class schedule_log {
 public:
  virtual ~schedule_log() = default;
  /// Puts a pipeline in the place of the one of that name, with the events that tell of it. `mark` counts where the
  /// schedule is new or changed; else it stays where it was. Gives whether there was one.
  virtual result<bool> deploy(const deployed_pipeline& what, std::vector<event>& events) = 0;
  /// Forgets it; what is waiting is cancelled. False where there is none.
  virtual result<bool> remove(const std::string& pipeline, std::vector<event>& events) = 0;
  /// Times and events that pass while it is paused start nothing later. False where there is none.
  virtual result<bool> pause(const std::string& pipeline, bool paused, std::int64_t now,
                             std::vector<event>& events) = 0;
  /// All, by name.
  virtual result<std::vector<deployed_pipeline>> deployed() = 0;
  virtual result<std::optional<deployed_pipeline>> find(const std::string& pipeline) = 0;
  /// False where another process has changed it since `revision`. Events are given back as written.
  virtual result<bool> step(schedule_step& what) = 0;
  /// Adds starts; those whose key is known stay as they are. Gives how many were new. Errors: not_deployed.
  virtual result<std::int64_t> add(const std::vector<pending_start>& what) = 0;
  /// Starts that can be tried at `now`, oldest first, one a pipeline and backfill: none of a paused pipeline unless
  /// they were asked for by hand, none of a backfill that has as many runs as it may have.
  virtual result<std::vector<pending_start>> ready(std::int64_t now) = 0;
  /// When the next one behind `now` is tried, or the next deadline passes; nullopt: none.
  virtual result<std::optional<std::int64_t>> next_time(std::int64_t now) = 0;
  virtual result<std::vector<event>> settle(start_outcome what) = 0;
  /// Starts whose deadline has passed at `now` and is not judged.
  virtual result<std::vector<pending_start>> overdue(std::int64_t now) = 0;
  /// Newest first.
  virtual result<std::vector<pending_start>> starts(const start_query& query) = 0;
  virtual result<std::vector<schedule_standing>> standings() = 0;
};

/// A Store that keeps schedules. Apart from `store`, because few need it.
class keeps_schedules {
 public:
  virtual ~keeps_schedules() = default;
  virtual schedule_log& schedules() = 0;
};
/// The schedules of a Store; live as long as it.
schedule_log& schedules_of(store& in);

/// The id of the run that a start of this key makes.
std::string run_of_start(const std::string& key);

}  // namespace sluice::store
