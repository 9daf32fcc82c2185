#pragma once

#include "engine/component/options.hpp"
#include "engine/error/error.hpp"
#include "engine/store/manifest.hpp"
#include "engine/store/process.hpp"
#include "engine/store/source_state.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::store {

/// `committing`: the decision to commit is durable, the sinks make their rows visible; nothing can make it fail any
/// more but a target that refuses for good. `paused` and `restarting`: none of its units run; it goes on behind its
/// last checkpoint when it is told to, or when its wait is over.
enum class run_state {
  queued,
  starting,
  running,
  draining,
  committing,
  paused,
  restarting,
  succeeded,
  partial,
  failed,
  cancelled
};
/// All of them, in that order.
const std::vector<run_state>& run_states();
[[nodiscard]] bool is_final(run_state state);
std::string to_string(run_state state);
std::optional<run_state> run_state_from(std::string_view text);

/// An event as subscribers get it. CloudEvents attributes are made of it by `cloud_event`.
struct event {
  std::int64_t cursor = 0;  ///< global, ascending; given by the Store
  std::string id = {};      ///< stable over replays: run id, slash, sequence
  std::string run = {};
  std::int64_t sequence = 0;  ///< per run from 1, gapless; given by the Store
  std::string type = {};      ///< run.started, unit.finished, ...
  std::string unit = {};      ///< may be empty
  std::int64_t time = 0;      ///< microseconds since 1970 UTC; 0: the Store gives it
  options data = {};          ///< object
  std::string pipeline = {};  ///< of the run, like the next two: given by the Store
  std::string owner = {};
  std::vector<std::string> tags = {};
};

struct run_record {
  std::string id = {};  ///< UUID v7 for submissions
  std::string pipeline = {};
  std::string owner = {};
  std::vector<std::string> tags = {};
  run_state state = run_state::queued;
  options cause = {};        ///< of a state that is not success: code, message, hint, unit, node; else null
  std::int64_t created = 0;  ///< microseconds since 1970 UTC; 0: not yet
  std::int64_t started = 0;
  std::int64_t ended = 0;
  std::string fingerprint = {};  ///< of file, params and inputs
  std::string text = {};         ///< the pipeline's file, secrets not filled in
  options params = {};           ///< as text
  std::string plan = {};         ///< MessagePack
  options summary = {};          ///< units' counters, balance, rejects; last known
  options context = {};          ///< what a successor needs beside the plan: now, seed, folders
  std::int64_t pid = 0;          ///< of the process that runs it
  std::int64_t pid_started = 0;  ///< when that process began (`process_start`), because pids are used again
  std::string process = {};      ///< its lease; given by the Store
  bool alive = false;            ///< whether its process lived when the Store was asked; a run that nobody has is alive
  std::string node = {};         ///< name of the node that supervises it
  std::string endpoint = {};     ///< host:port of that process's HTTP API while it lives
  std::int64_t term = 0;         ///< highest term that has written it; 0: a local run that nobody has taken over
  /// Version of the pipeline's source state that the plan was made from; not set where it uses none.
  std::optional<std::int64_t> state_version = {};
};

/// Where a run is supervised: known only after its record was made, and new when another process adopts it.
struct run_home {
  std::int64_t pid = 0;
  std::int64_t pid_started = 0;
  std::string node = {};
  std::string endpoint = {};
};

/// What a run that waited is planned with in the place of what its record was made with.
struct run_plan {
  std::string fingerprint = {};
  std::string plan = {};
  options context = {};
  std::optional<std::int64_t> state_version = {};
};

/// One atomic change: what happened to a run and the events that report it become durable together, or not at all.
struct change {
  std::string run = {};
  std::optional<run_state> state = {};
  std::optional<options> cause = {};
  std::optional<options> summary = {};
  std::optional<run_home> home = {};
  /// Only for a run that is queued or paused. Errors: those of create_run; run_not_queued.
  std::optional<run_plan> plan = {};
  std::vector<event> events = {};  ///< cursor, id and sequence are given by the Store
  /// The decision to commit. Comes before any sink commits, and once an epoch.
  std::optional<manifest> decision = {};
  /// What has become of a decision's commits; `committed` makes its sources count.
  std::optional<commit_state> settled = {};
  std::int64_t epoch = 1;  ///< that is settled
  std::int64_t term = 0;   ///< of the controller that writes (0: a local run); refused if a newer one exists
};

struct run_query {
  std::optional<std::string> pipeline = {};
  std::string search = {};  ///< in pipeline, owner and tags, and at the beginning of the id; without regard to case
  std::vector<run_state> states = {};
  std::int64_t limit = 50;
  std::string after = {};  ///< id of a run: only those made before it
};

/// What all runs of a pipeline have done, those that were forgotten since included. Times are microseconds.
struct pipeline_totals {
  std::string pipeline = {};
  std::map<std::string, std::int64_t> ended = {};  ///< runs by final state
  std::int64_t last_success = 0;                   ///< since 1970 UTC; succeeded or partial; 0: never
  std::int64_t last_end = 0;
  std::int64_t last_duration = 0;
  std::int64_t duration = 0;  ///< of all runs together
  std::int64_t rows_in = 0;   ///< read by sources
  std::int64_t rows_out = 0;  ///< loaded by sinks
  std::int64_t rejected = 0;
  std::int64_t bytes_in = 0;
  std::int64_t bytes_out = 0;
};

/// Numbers for monitors, read without looking at the runs one by one.
struct store_totals {
  std::map<std::string, std::int64_t> runs = {};  ///< kept now, by state
  std::vector<pipeline_totals> pipelines = {};
  std::int64_t due_commits = 0;
};

/// Keeps runs and events. Thread-safe; calls block (never from a scheduled actor). Same tests for every implementation.
/// Writes that come together are made durable together.
class store {
 public:
  virtual ~store() = default;
  /// Names the process that uses this Store: runs that it makes are its own, and live as long as its lease.
  virtual void enroll(const process_record& self) = 0;
  /// Renews this process's lease; false where it had run out, so that others may have taken its runs over.
  virtual result<bool> beat() = 0;
  /// Makes this process the one that a dead process's run belongs to; gives the new term, with which all further writes
  /// come. Errors: run_is_alive, run_is_final, run_not_found.
  virtual result<std::int64_t> take_over(const std::string& run) = 0;
  /// Leaves a run that this process has taken over and could not end to the next one.
  virtual status release(const std::string& run) = 0;
  /// Inserts a run with its first events; an existing id is left as it is (false). Errors: commit_due, where commits of
  /// the pipeline are due; and where the run has a `state_version`: already_running, with the pid of a live run that
  /// uses the same state; state_changed.
  virtual result<bool> create_run(const run_record& run, std::vector<event> events) = 0;
  /// Applies a change; gives the events back as they were written. Errors: run_not_found; run_is_final, because the
  /// event that ends a run is its last; stale_term.
  virtual result<std::vector<event>> apply(const change& what) = 0;
  /// Decisions whose commits are due, oldest first. `run` empty: of all runs.
  virtual result<std::vector<due_commit>> due_commits(const std::string& run = {}) = 0;
  /// Complete checkpoints of a run behind which another one can go on, newest first.
  virtual result<std::vector<checkpoint_record>> checkpoints(const std::string& run) = 0;
  /// Newest first, without `plan`, `text` and `context`. Errors: run_not_found, where there is no run `after`.
  virtual result<std::vector<run_record>> runs(const run_query& query) = 0;
  /// `reference`: an id, a unique prefix of one, a pipeline's name (its newest run) or "last". Whole record.
  virtual result<run_record> find_run(const std::string& reference) = 0;
  /// Events with a cursor above `after`, oldest first; `run` empty: of all runs.
  virtual result<std::vector<event>> events(std::int64_t after, const std::string& run, std::int64_t limit) = 0;
  /// Cursor of the newest event. Cursors ascend in the order of commits, without gaps.
  virtual result<std::int64_t> last_cursor() = 0;
  virtual result<store_totals> totals() = 0;
  /// Takes the next term; writes of older terms fail from now on.
  virtual result<std::int64_t> next_term() = 0;
  /// A subscriber's durable place in the event log.
  virtual result<std::int64_t> cursor_of(const std::string& subscriber) = 0;
  virtual status set_cursor(const std::string& subscriber, std::int64_t cursor) = 0;
  /// What is remembered of a pipeline's sources.
  virtual result<pipeline_state> sources_of(const std::string& pipeline) = 0;
  /// Names of the pipelines of which something is remembered.
  virtual result<std::vector<std::string>> pipelines_with_state() = 0;
  /// Forgets; gives how many units had something. Refused with already_running while a run that uses it lives.
  virtual result<std::int64_t> reset_sources(const state_reset& what) = 0;
};

/// Opens (and makes) the embedded Store in a file (":memory:": nowhere, for what need not be kept). One writer at a
/// time waits for the other up to 10 s. The file is its owner's only; errors: folder_exposed, store_corrupt.
result<std::shared_ptr<store>> open_sqlite(const std::string& path);

/// The event as a CloudEvents 1.0 JSON object: `source` is "/sluice/runs/<id>", `sequence` zero-padded text as the
/// extension wants it, the integer in data.sequence.
options cloud_event(const event& what);

}  // namespace sluice::store
