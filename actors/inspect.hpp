#pragma once

#include "actors/messages.hpp"

#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/save_callback.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/sec.hpp>

/// How CAF writes and reads the messages; included by messages.hpp. What a message holds of the engine comes first.
/// A failed inspect loses its message silently: a test sends all of them.
#define SLUICE_INSPECT(type, ...)                                                   \
  template <class Inspector>                                                        \
  typename Inspector::result_type inspect(Inspector& f, [[maybe_unused]] type& x) { \
    return f(caf::meta::type_name(#type) __VA_OPT__(, ) __VA_ARGS__);               \
  }

namespace sluice {

SLUICE_INSPECT(location, x.file, x.line, x.column)
SLUICE_INSPECT(position, x.source, x.split, x.offset)
SLUICE_INSPECT(split, x.id, x.object, x.begin, x.end, x.bytes)

/// An error's `offset` is optional, which CAF can't write: -1 stands for none.
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, error& x) {
  std::int64_t offset = x.offset ? static_cast<std::int64_t>(*x.offset) : -1;
  auto load = [&]() -> caf::error {
    x.offset = offset < 0 ? std::nullopt : std::optional<std::size_t>(static_cast<std::size_t>(offset));
    return caf::none;
  };
  return f(caf::meta::type_name("error"), x.code, x.to_blame, x.retry, x.message, x.hint, x.where, x.path, offset, x.at,
           caf::meta::load_callback(load));
}

}  // namespace sluice

namespace sluice::flow {

SLUICE_INSPECT(instance_id, x.unit, x.instance)
SLUICE_INSPECT(channel_id, x.edge, x.from, x.to)
SLUICE_INSPECT(unit_counters, x.in, x.added, x.out, x.filtered, x.merged, x.rejected, x.set_null, x.skipped, x.bytes,
               x.batches, x.waiting)
SLUICE_INSPECT(channel_counters, x.channel, x.rows, x.dropped)
SLUICE_INSPECT(instance_report, x.who, x.counters, x.port_rows, x.sent, x.received, x.stopped_early)
/// CAF can't write what is optional: a flag goes before it.
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, split_state& x) {
  bool has = x.latest.has_value();
  std::int64_t latest = x.latest.value_or(0);
  auto load = [&]() -> caf::error {
    x.latest = has ? std::optional(latest) : std::nullopt;
    return caf::none;
  };
  return f(caf::meta::type_name("split_state"), x.split, x.position, x.ended, x.sequence, has, latest,
           caf::meta::load_callback(load));
}
SLUICE_INSPECT(saved_state, x.name, x.bytes, x.hash)
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, instance_snapshot& x) {
  bool has = x.watermark.has_value();
  std::int64_t watermark = x.watermark.value_or(0);
  auto load = [&]() -> caf::error {
    x.watermark = has ? std::optional(watermark) : std::nullopt;
    return caf::none;
  };
  return f(caf::meta::type_name("instance_snapshot"), x.report, x.held, x.finished, x.streams, x.state, x.splits, has,
           watermark, caf::meta::load_callback(load));
}

}  // namespace sluice::flow

namespace sluice::store {

/// An event's `data` travels as JSON text.
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, event& x) {
  std::string data = x.data.dump();
  auto load = [&]() -> caf::error {
    auto parsed = options::try_parse(data);
    if (!parsed) return caf::sec::invalid_argument;
    x.data = *std::move(parsed);
    return caf::none;
  };
  return f(caf::meta::type_name("event"), x.cursor, x.id, x.run, x.sequence, x.type, x.unit, x.time, data, x.pipeline,
           x.owner, x.tags, caf::meta::load_callback(load));
}

}  // namespace sluice::store

namespace sluice::actors {

SLUICE_INSPECT(credit, x.channel, x.rows, x.markers)
SLUICE_INSPECT(stop_sending, x.channel)
SLUICE_INSPECT(want_split, x.who)
SLUICE_INSPECT(take_split, x.piece, x.position, x.room, x.sequence)
SLUICE_INSPECT(want_room, x.who, x.split, x.bytes)
SLUICE_INSPECT(room_given, x.split, x.bytes)
SLUICE_INSPECT(no_more_splits)
SLUICE_INSPECT(split_finished, x.who, x.split, x.position, x.bytes)
SLUICE_INSPECT(time_reached, x.split, x.has_time, x.latest, x.silent)
SLUICE_INSPECT(watermark_risen, x.time, x.last)
SLUICE_INSPECT(epoch_committed, x.epoch, x.upto)
SLUICE_INSPECT(begin_epoch, x.epoch, x.last)
SLUICE_INSPECT(epoch_ready, x.who, x.epoch)
SLUICE_INSPECT(epoch_passed, x.epoch)
SLUICE_INSPECT(epoch_prepared, x.epoch, x.what, x.token, x.target, x.rows)
SLUICE_INSPECT(sync_rejects, x.epoch)
SLUICE_INSPECT(rejects_synced, x.epoch, x.rows, x.bytes)
SLUICE_INSPECT(splits_discovered, x.unit, x.splits, x.bytes, x.inputs)
SLUICE_INSPECT(rejected_row, x.unit, x.code, x.column, x.message, x.record, x.position, x.file, x.line)
SLUICE_INSPECT(locate_rejects, x.ticket, x.rows)
SLUICE_INSPECT(rejects_located, x.ticket, x.rows)
SLUICE_INSPECT(store_rejects, x.ticket, x.rows)
SLUICE_INSPECT(rejects_stored, x.ticket)
SLUICE_INSPECT(close_rejects)
SLUICE_INSPECT(rejects_closed, x.rows, x.path)
SLUICE_INSPECT(launched_instance, x.who, x.handle, x.node)
SLUICE_INSPECT(launched, x.instances)
SLUICE_INSPECT(launch_failed, x.why)
SLUICE_INSPECT(node_lost, x.node, x.why)
SLUICE_INSPECT(outgoing, x.channel, x.to)
SLUICE_INSPECT(incoming, x.channel, x.from)
SLUICE_INSPECT(wiring, x.outputs, x.inputs, x.enumerators, x.rejects, x.supervisor)
SLUICE_INSPECT(begin_work)
SLUICE_INSPECT(instance_started, x.who)
SLUICE_INSPECT(instance_failed, x.who, x.why)
SLUICE_INSPECT(instance_finished, x.report, x.target, x.reached, x.token, x.rows, x.splits, x.streams, x.state, x.held,
               x.has_watermark, x.watermark)
SLUICE_INSPECT(report_progress)
SLUICE_INSPECT(instance_progress, x.who, x.counters, x.held_back, x.starved, x.down, x.down_since)
SLUICE_INSPECT(commit_load, x.token, x.at_once, x.last)
SLUICE_INSPECT(committed, x.who)
SLUICE_INSPECT(abandon, x.orphaned)
SLUICE_INSPECT(abandoned, x.who)
SLUICE_INSPECT(leave)
SLUICE_INSPECT(unit_progress, x.unit, x.state, x.counters, x.rows_per_second, x.done_ppm, x.role, x.held_back_ppm,
               x.starved_ppm, x.down, x.down_since)
SLUICE_INSPECT(run_progress, x.run, x.pipeline, x.state, x.running_microseconds, x.left_microseconds, x.units,
               x.memory_limit, x.memory_reserved, x.memory_queued)
SLUICE_INSPECT(events_written, x.events)
SLUICE_INSPECT(subscribe_events, x.to, x.after, x.run)
SLUICE_INSPECT(unsubscribe_events, x.to)
SLUICE_INSPECT(event_batch, x.events)
SLUICE_INSPECT(events_seen, x.cursor)
SLUICE_INSPECT(submitted, x.run)
SLUICE_INSPECT(submission_refused, x.faults)
SLUICE_INSPECT(cancel_run, x.run)
SLUICE_INSPECT(cancel_answer, x.run, x.known, x.ended)
SLUICE_INSPECT(steer_run, x.run, x.how)
SLUICE_INSPECT(steer_answer, x.run, x.known, x.refused, x.epoch)
SLUICE_INSPECT(get_progress, x.run)
SLUICE_INSPECT(list_live_runs)
SLUICE_INSPECT(live_runs, x.runs)
SLUICE_INSPECT(await_run, x.run, x.to)
SLUICE_INSPECT(shut_down)

}  // namespace sluice::actors

#undef SLUICE_INSPECT
