#include "engine/flow/snapshot.hpp"

#include "engine/values/hexadecimal.hpp"

#include <algorithm>

namespace sluice::flow {

namespace {

options to_json(const unit_counters& c) {
  return {c.in, c.added, c.out, c.filtered, c.merged, c.rejected, c.set_null, c.skipped, c.bytes, c.batches, c.waiting};
}

unit_counters counters_from(const options& json) {
  const auto at = [&](std::size_t index) { return json.at(index).get<std::uint64_t>(); };
  return {.in = at(0),
          .added = at(1),
          .out = at(2),
          .filtered = at(3),
          .merged = at(4),
          .rejected = at(5),
          .set_null = at(6),
          .skipped = at(7),
          .bytes = at(8),
          .batches = at(9),
          // Checkpoints of versions before had none.
          .waiting = json.size() > 10 ? at(10) : 0};
}

options to_json(const std::vector<channel_counters>& channels) {
  auto list = options::array();
  for (const auto& one : channels)
    list.push_back({one.channel.edge, one.channel.from, one.channel.to, one.rows, one.dropped});
  return list;
}

std::vector<channel_counters> channels_from(const options& json) {
  std::vector<channel_counters> channels;
  for (const auto& one : json)
    channels.push_back(
        {.channel = {one.at(0).get<std::uint32_t>(), one.at(1).get<std::uint32_t>(), one.at(2).get<std::uint32_t>()},
         .rows = one.at(3).get<std::uint64_t>(),
         .dropped = one.at(4).get<std::uint64_t>()});
  return channels;
}

options to_json(const instance_snapshot& what) {
  return {{"unit", what.report.who.unit},
          {"instance", what.report.who.instance},
          {"counters", to_json(what.report.counters)},
          {"ports", what.report.port_rows},
          {"sent", to_json(what.report.sent)},
          {"received", to_json(what.report.received)},
          {"stopped", what.report.stopped_early},
          {"held", what.held},
          {"finished", what.finished},
          {"streams", to_hexadecimal(what.streams)},
          {"state", {what.state.name, what.state.bytes, what.state.hash}}};
}

instance_snapshot instance_from(const options& json) {
  instance_snapshot made;
  made.report.who = {json.at("unit").get<std::uint32_t>(), json.at("instance").get<std::uint32_t>()};
  made.report.counters = counters_from(json.at("counters"));
  made.report.port_rows = json.at("ports").get<std::vector<std::uint64_t>>();
  made.report.sent = channels_from(json.at("sent"));
  made.report.received = channels_from(json.at("received"));
  made.report.stopped_early = json.at("stopped").get<bool>();
  made.held = json.at("held").get<std::uint64_t>();
  made.finished = json.at("finished").get<bool>();
  made.streams = from_hexadecimal(json.at("streams").get<std::string>());
  const auto& state = json.at("state");
  made.state = {state.at(0).get<std::string>(), state.at(1).get<std::uint64_t>(), state.at(2).get<std::string>()};
  return made;
}

/// Splits that have ended need no position: they are written as ranges, because there may be a million of them.
options to_json(const source_progress& splits) {
  auto ended = options::array();
  auto open = options::array();
  for (const auto& [id, one] : splits) {
    if (!one.ended) {
      open.push_back({id, to_hexadecimal(one.position), one.sequence});
      if (one.latest) open.back().push_back(*one.latest);
    } else if (!ended.empty() && ended.back().at(1).get<std::uint32_t>() + 1 == id) {
      ended.back()[1] = id;
    } else {
      ended.push_back({id, id});
    }
  }
  return {{"ended", std::move(ended)}, {"open", std::move(open)}};
}

source_progress progress_from(const options& json) {
  source_progress made;
  for (const auto& range : json.at("ended"))
    for (auto id = range.at(0).get<std::uint32_t>(); id <= range.at(1).get<std::uint32_t>(); ++id)
      made[id] = {.split = id, .ended = true};
  for (const auto& one : json.at("open")) {
    const auto id = one.at(0).get<std::uint32_t>();
    made[id] = {.split = id,
                .position = from_hexadecimal(one.at(1).get<std::string>()),
                .sequence = one.at(2).get<std::uint64_t>()};
    if (one.size() > 3) made[id].latest = one.at(3).get<std::int64_t>();
  }
  return made;
}

}  // namespace

const instance_snapshot* run_snapshot::find(const instance_id& who) const {
  const auto found =
      std::find_if(instances.begin(), instances.end(), [&](const auto& one) { return one.report.who == who; });
  return found == instances.end() ? nullptr : &*found;
}

options to_json(const run_snapshot& what) {
  auto instances = options::array();
  for (const auto& one : what.instances) instances.push_back(to_json(one));
  auto sources = options::object();
  for (const auto& [unit, splits] : what.sources) sources[unit] = to_json(splits);
  auto recent = options::array();
  for (const auto& one : what.recent_rejects) recent.push_back({one.time, one.rejected, one.read});
  return {{"instances", std::move(instances)},
          {"sources", std::move(sources)},
          {"watermarks", what.watermarks},
          {"inputs", what.inputs},
          {"rejects", {what.rejects_rows, what.rejects_bytes}},
          {"recent_rejects", std::move(recent)}};
}

result<run_snapshot> snapshot_from(const options& json) {
  try {
    run_snapshot made;
    for (const auto& one : json.at("instances")) made.instances.push_back(instance_from(one));
    for (const auto& [unit, splits] : json.at("sources").items()) made.sources[unit] = progress_from(splits);
    // Checkpoints of versions before had none.
    if (const auto found = json.find("watermarks"); found != json.end())
      made.watermarks = found->get<std::map<std::string, std::int64_t>>();
    made.inputs = json.at("inputs").get<std::map<std::string, std::string>>();
    made.rejects_rows = json.at("rejects").at(0).get<std::uint64_t>();
    made.rejects_bytes = json.at("rejects").at(1).get<std::uint64_t>();
    if (const auto found = json.find("recent_rejects"); found != json.end())
      for (const auto& one : *found)
        made.recent_rejects.push_back({.time = one.at(0).get<std::int64_t>(),
                                       .rejected = one.at(1).get<std::uint64_t>(),
                                       .read = one.at(2).get<std::uint64_t>()});
    return made;
  } catch (const std::exception& problem) {
    return external_error("foreign_state", std::string("a checkpoint can't be read: ") + problem.what(),
                          "it was written by another version of sluice; --fresh starts again");
  }
}

}  // namespace sluice::flow
