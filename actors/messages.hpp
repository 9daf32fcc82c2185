#pragma once

#include "engine/error/error.hpp"
#include "engine/flow/channels.hpp"
#include "engine/flow/conservation.hpp"
#include "engine/flow/snapshot.hpp"
#include "engine/store/store.hpp"
#include "engine/wire/frame.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// Every message of every protocol inside a run, and between a run and its surroundings. Messages of the first kind
/// ("local") hold pointers and stay within a process; links turn batches into frames. All others may cross nodes, and a
/// test sends each of them between two actor systems.
namespace sluice::actors {

using flow::channel_id;
using flow::instance_id;

struct run_setup;    // actors/run/run_setup.hpp
struct run_outcome;  // actors/run/run_setup.hpp
struct submission;   // actors/run/control.hpp

// ---------------------------------------------------------------------------------------------------------------------
// Data, in band (local)

/// sender -> receiver, or -> the link of the sender's node: the next item of a channel, in order.
struct data_message {
  channel_id channel;
  wire::payload body;
};

// Flow control

/// receiver -> sender: rows and markers (batches without rows) of the channel that were worked off.
struct credit {
  channel_id channel;
  std::int64_t rows = 0;
  std::int64_t markers = 0;
};

/// receiver -> sender: nothing more is needed on the channel; the sender ends it where it stands.
struct stop_sending {
  channel_id channel;
};

// ---------------------------------------------------------------------------------------------------------------------
// Splits

/// extract -> enumerator: gives me a split; answered by take_split or no_more_splits, when there is one.
struct want_split {
  instance_id who;
};
/// enumerator -> extract: yours to read, from `position` on (empty: from its begin).
struct take_split {
  sluice::split piece;
  std::string position = {};
  std::int64_t room = 0;       ///< bytes of its rows that may be passed on before asking with want_room
  std::uint64_t sequence = 0;  ///< of its next batch
};
/// extract -> enumerator: I have rows of a split that come before their place in the order, and may I pass on so many
/// bytes of it in all? Answered by room_given, at the latest when all splits before it have ended.
struct want_room {
  instance_id who;
  std::uint32_t split = 0;
  std::int64_t bytes = 0;
};
/// enumerator -> extract: that many bytes of the split in all.
struct room_given {
  std::uint32_t split = 0;
  std::int64_t bytes = 0;
};
/// enumerator -> extract: all splits are handed out.
struct no_more_splits {};
/// extract -> enumerator: read to its end and passed on.
struct split_finished {
  instance_id who;
  std::uint32_t split = 0;
  std::string position = {};  ///< behind its last step
  std::int64_t bytes = 0;     ///< of its rows, where that was counted
};
/// extract -> enumerator: rows of a split were passed on, the latest of those with an event time at `latest`; or
/// nothing has come of it now.
struct time_reached {
  std::uint32_t split = 0;
  bool has_time = false;
  std::int64_t latest = 0;
  bool silent = false;
};
/// enumerator -> extract: no row of the source before this time is still to be read, except late ones.
struct watermark_risen {
  std::int64_t time = 0;
  bool last = false;  ///< all that there is has been read: it is the last one of this run
};
/// supervisor -> enumerator: every sink has committed what was read up to here: the source may acknowledge it.
struct epoch_committed {
  std::uint64_t epoch = 0;
  std::vector<flow::split_state> upto = {};  ///< begun and ended splits
};
/// enumerator -> supervisor: how much there is to read, for the share done.
struct splits_discovered {
  std::uint32_t unit = 0;
  std::uint64_t splits = 0;
  std::uint64_t bytes = 0;
  std::string inputs = {};  ///< what a bounded source reads, as a hash: a successor has to find the same
};

// Checkpoints. The supervisor asks the enumerators; one that is at a place where a barrier may be sent hands out no
// split until the readers have sent theirs.

/// supervisor -> enumerator: an epoch is to end; answered by epoch_ready. supervisor -> extract: send its barrier now;
/// answered by epoch_prepared.
struct begin_epoch {
  std::uint64_t epoch = 0;
  bool last = false;  ///< the run ends with it: nothing is read behind it
};
/// enumerator -> supervisor
struct epoch_ready {
  instance_id who;
  std::uint64_t epoch = 0;
};
/// supervisor -> enumerator: all readers have sent their barriers, or the epoch was given up: go on.
struct epoch_passed {
  std::uint64_t epoch = 0;
};
/// instance -> supervisor: the barrier of the epoch has passed, what the instance holds and has prepared is durable.
struct epoch_prepared {
  std::uint64_t epoch = 0;
  flow::instance_snapshot what;
  std::string token = {};   ///< of a sink
  std::string target = {};  ///< of a sink
  std::uint64_t rows = 0;   ///< of a sink: what it loaded with this epoch
};
/// supervisor -> rejects writer: make durable what there is; answered by rejects_synced.
struct sync_rejects {
  std::uint64_t epoch = 0;
};
/// rejects writer -> supervisor
struct rejects_synced {
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

// Rejects

/// A rejected row on its way to the rejects, its place not yet looked up.
struct rejected_row {
  std::string unit;
  std::string code;
  std::string column;
  std::string message;
  std::string record;  ///< text, or JSON of the row as it entered the unit
  sluice::position position = sluice::position::unknown;
  std::string file;        ///< filled in by the enumerator of the source
  std::uint64_t line = 0;  ///< likewise; 0: none
};
/// unit -> enumerator: fill in the places of these rows, whose source is yours; answered by rejects_located.
struct locate_rejects {
  std::uint64_t ticket = 0;
  std::vector<rejected_row> rows;
};
/// enumerator -> unit
struct rejects_located {
  std::uint64_t ticket = 0;
  std::vector<rejected_row> rows;
};
/// unit -> rejects writer: keep these; answered by rejects_stored.
struct store_rejects {
  std::uint64_t ticket = 0;
  std::vector<rejected_row> rows;
};
/// rejects writer -> unit
struct rejects_stored {
  std::uint64_t ticket = 0;
};
/// supervisor -> rejects writer: nothing follows, make it durable; answered by rejects_closed.
struct close_rejects {};
/// rejects writer -> supervisor
struct rejects_closed {
  std::uint64_t rows = 0;
  std::string path;  ///< empty where there are none
};

// ---------------------------------------------------------------------------------------------------------------------
// Starting a run. The starter is an actor: the local one starts all here, the cluster's one spreads the instances over
// the nodes and puts a link in the place of each receiver that is on another node.

/// supervisor -> starter (local): start the instances of a run; answered by launched or launch_failed.
struct launch {
  std::shared_ptr<const run_setup> setup;
  caf::actor supervisor;
  caf::actor rejects;
};
/// An instance that was started.
struct launched_instance {
  instance_id who;
  caf::actor handle;
  std::string node;  ///< name of its node
};
/// starter -> supervisor: all instances exist and are wired.
struct launched {
  std::vector<launched_instance> instances;
};
/// starter -> supervisor
struct launch_failed {
  error why;
};
/// starter -> supervisor, at any time: instances are gone with their node.
struct node_lost {
  std::string node;
  error why;
};

/// Where an instance sends the items of a channel: the receiver, or the link to its node.
struct outgoing {
  channel_id channel;
  caf::actor to;
};
/// Who sends on a channel: gets its credit.
struct incoming {
  channel_id channel;
  caf::actor from;
};
/// starter -> instance: its place in the run. Comes once, before anything else.
struct wiring {
  std::vector<outgoing> outputs;
  std::vector<incoming> inputs;
  std::vector<caf::actor> enumerators;  ///< by source number
  caf::actor rejects;
  caf::actor supervisor;
};

// ---------------------------------------------------------------------------------------------------------------------
// Supervising

/// supervisor -> instance: open what you need, then work.
struct begin_work {};
/// instance -> supervisor: open, working.
struct instance_started {
  instance_id who;
};
/// instance -> supervisor: it can't go on; its rows are lost, the run fails.
struct instance_failed {
  instance_id who;
  error why;
};
/// instance -> supervisor: all its inputs ended, everything was passed on; a sink has made its rows durable.
struct instance_finished {
  flow::instance_report report;
  std::string target;                          ///< of a sink
  std::string reached;                         ///< of a source: what source::reached gave, as JSON
  std::string token = {};                      ///< of a sink: commits what it has prepared
  std::uint64_t rows = 0;                      ///< of a sink: what that is
  std::vector<flow::split_state> splits = {};  ///< of a source's reader: ended since the last barrier
  std::string streams = {};                    ///< instance_snapshot::streams
  flow::saved_state state = {};                ///< what the next run goes on with (plan::goes_on)
  std::uint64_t held = 0;                      ///< rows in it
  bool has_watermark = false;                  ///< of a source's reader: whether it has passed any on
  std::int64_t watermark = 0;                  ///< the last one
};
/// supervisor -> instance: how far are you? Answered by instance_progress.
struct report_progress {};
/// instance -> supervisor
struct instance_progress {
  instance_id who;
  flow::unit_counters counters;
  std::uint64_t held_back = 0;  ///< microseconds since it began for which what it made waited for credit
  bool starved = false;         ///< it has nothing to work on
  std::string down = {};        ///< why its system can't be reached; empty: it can
  std::int64_t down_since = 0;  ///< microseconds since 1970 UTC
};
/// supervisor -> load: make an epoch visible, by the token that instance_finished brought; answered by committed or
/// instance_failed. With `at_once` it comes again: somebody waits for the end, so a commit under way must not wait for
/// anyone.
struct commit_load {
  std::string token = {};
  bool at_once = false;
  bool last = true;  ///< the sink's work is over with it
};
/// load -> supervisor
struct committed {
  instance_id who;
};
/// supervisor -> instance: the run has failed or was cancelled: stop, a sink removes what it made; answered by
/// abandoned when that is done, which may take as long as a disk stalls. With `orphaned` it comes from the node, whose
/// first node is gone: what a sink has prepared stays, because nobody here knows whether it was decided to commit it.
struct abandon {
  bool orphaned = false;
};
/// instance -> supervisor
struct abandoned {
  instance_id who;
};
/// supervisor -> instance: the run is over.
struct leave {};

// ---------------------------------------------------------------------------------------------------------------------
// Progress and events

/// How far a unit is, for displays.
struct unit_progress {
  std::string unit;
  std::string state;  ///< waiting, running, finished
  flow::unit_counters counters;
  std::uint64_t rows_per_second = 0;  ///< recently; a source's records read, a sink's rows, others' rows in
  std::int64_t done_ppm = -1;         ///< share done in millionths; -1: unknown
  std::string role = {};              ///< extract, transform, load
  // Shares of the last seconds in millionths, while it runs.
  std::int64_t held_back_ppm = 0;  ///< what it made waited for the units below it
  std::int64_t starved_ppm = 0;    ///< it had nothing to work on
  std::string down = {};           ///< why its system can't be reached; empty: it can
  std::int64_t down_since = 0;     ///< microseconds since 1970 UTC
};
/// How far a run is.
struct run_progress {
  std::string run;
  std::string pipeline;
  std::string state;
  std::int64_t running_microseconds = 0;
  std::int64_t left_microseconds = -1;  ///< -1: unknown
  std::vector<unit_progress> units;
  // Of the node where the supervisor is, in bytes.
  std::int64_t memory_limit = 0;     ///< run.memory
  std::int64_t memory_reserved = 0;  ///< what operators hold
  std::int64_t memory_queued = 0;    ///< batches in queues and reorder buffers
};

/// journal -> notifier: these are durable.
struct events_written {
  std::vector<store::event> events;
};
/// anyone -> notifier: send me events with a cursor above `after` as event_batch; `run` empty: of all runs.
struct subscribe_events {
  caf::actor to;
  std::int64_t after = 0;
  std::string run;
};
/// anyone -> notifier
struct unsubscribe_events {
  caf::actor to;
};
/// notifier -> subscriber: in order, without gaps; the next one comes after events_seen.
struct event_batch {
  std::vector<store::event> events;
};
/// subscriber -> notifier
struct events_seen {
  std::int64_t cursor = 0;
};

// ---------------------------------------------------------------------------------------------------------------------
// Control

/// anyone -> control: run a pipeline; answered by submitted or submission_refused (local: holds a setup).
struct submit_setup {
  std::shared_ptr<const run_setup> setup;
};
/// control -> submitter
struct submitted {
  std::string run;
};
/// control -> submitter: all faults of the pipeline.
struct submission_refused {
  std::vector<error> faults;
};
/// anyone -> control: cancel; answered at once by cancel_answer, the run ends when its units have stopped.
struct cancel_run {
  std::string run;
};
struct cancel_answer {
  std::string run;
  bool known = false;  ///< false: no such run here
  bool ended = false;  ///< it had ended before
};
/// anyone -> control -> supervisor: do something with a run; answered by steer_answer.
struct steer_run {
  std::string run;
  std::string how;  ///< drain, flush (drain, and emit open windows), savepoint, checkpoint, pause or resume
};
struct steer_answer {
  std::string run;
  bool known = false;       ///< false: no such run here
  error refused = {};       ///< code empty: it is done, or under way
  std::uint64_t epoch = 0;  ///< of a savepoint
};
/// anyone -> control: how far is a run? Answered by run_progress (its `run` empty where it does not run here).
struct get_progress {
  std::string run;
};
/// anyone -> control: which runs live here? Answered by live_runs.
struct list_live_runs {};
struct live_runs {
  std::vector<run_progress> runs;
};
/// anyone -> control: tell `to` when the run has ended, by run_ended; at once where it has.
struct await_run {
  std::string run;
  caf::actor to;
};
/// supervisor -> control -> waiters (local)
struct run_ended {
  std::shared_ptr<const run_outcome> outcome;
};
/// owner -> control: no new runs; running ones are cancelled; answered by `shut_down` when all have ended.
struct shut_down {};

}  // namespace sluice::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::data_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::launch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::submit_setup)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(sluice::actors::run_ended)

CAF_BEGIN_TYPE_ID_BLOCK(sluice_actors, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::credit))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::stop_sending))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::want_split))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::take_split))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::want_room))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::room_given))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::no_more_splits))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::split_finished))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::time_reached))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::watermark_risen))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::epoch_committed))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::splits_discovered))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::begin_epoch))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::epoch_ready))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::epoch_passed))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::epoch_prepared))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::sync_rejects))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::rejects_synced))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::locate_rejects))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::rejects_located))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::store_rejects))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::rejects_stored))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::close_rejects))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::rejects_closed))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::launched))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::launch_failed))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::node_lost))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::wiring))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::begin_work))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::instance_started))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::instance_failed))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::instance_finished))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::report_progress))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::instance_progress))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::commit_load))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::committed))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::abandon))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::abandoned))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::leave))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::run_progress))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::events_written))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::subscribe_events))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::unsubscribe_events))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::event_batch))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::events_seen))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::submitted))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::submission_refused))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::cancel_run))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::cancel_answer))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::steer_run))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::steer_answer))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::get_progress))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::list_live_runs))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::live_runs))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::await_run))
CAF_ADD_TYPE_ID(sluice_actors, (sluice::actors::shut_down))
CAF_END_TYPE_ID_BLOCK(sluice_actors)

#include "actors/inspect.hpp"
