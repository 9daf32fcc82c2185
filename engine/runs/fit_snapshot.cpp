#include "engine/runs/fit_snapshot.hpp"

#include "engine/component/opaque.hpp"
#include "engine/flow/streams.hpp"
#include "engine/runs/unit_state.hpp"

#include <algorithm>

namespace sluice {

namespace {

using flow::channel_counters;
using flow::instance_snapshot;

/// The key groups of one of so many instances, as flow::instance_of divides them.
key_groups groups_of(std::uint32_t instance, std::uint32_t instances) {
  const auto begin_of = [&](std::uint32_t one) { return (one * key_group_count + instances - 1) / instances; };
  return {begin_of(instance), begin_of(instance + 1)};
}

/// Adds the counts of a channel to those of another one that takes its place.
void add_to(std::vector<channel_counters>& all, const flow::channel_id& channel, const channel_counters& what) {
  auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.channel == channel; });
  if (found == all.end()) found = all.insert(all.end(), channel_counters{.channel = channel});
  found->rows += what.rows;
  found->dropped += what.dropped;
}

/// Moves the counts at this end of the unit's channels to the first of its instances.
std::vector<channel_counters> to_first(const plan& of, std::uint32_t unit, const std::vector<channel_counters>& all) {
  std::vector<channel_counters> made;
  for (const auto& one : all) {
    auto channel = one.channel;
    const auto& edge = of.edges[channel.edge];
    if (edge.from_unit == static_cast<int>(unit)) channel.from = 0;
    if (edge.to_unit == static_cast<int>(unit)) channel.to = 0;
    add_to(made, channel, one);
  }
  return made;
}

class fitting {
 public:
  fitting(const plan& now, const run_context& context, flow::run_snapshot& at, std::string folder, std::uint64_t epoch)
      : plan_(now), context_(context), at_(at), folder_(std::move(folder)), epoch_(epoch) {}

  status fit(std::uint32_t unit) {
    std::vector<instance_snapshot> before;
    for (const auto& one : at_.instances)
      if (one.report.who.unit == unit) before.push_back(one);
    const auto instances = static_cast<std::uint32_t>(plan_.units[unit].parallelism);
    const bool transforms = plan_.units[unit].definition.role == unit_role::transform;
    if (!transforms || before.empty() || before.size() == instances) return {};
    SLUICE_ASSIGN(auto after, counted(unit, before, instances));
    SLUICE_TRY(divide(unit, before, after));
    std::erase_if(at_.instances, [&](const auto& one) { return one.report.who.unit == unit; });
    for (auto& one : at_.instances) {
      one.report.sent = to_first(plan_, unit, one.report.sent);
      one.report.received = to_first(plan_, unit, one.report.received);
    }
    for (auto& one : after) at_.instances.push_back(std::move(one));
    return {};
  }

 private:
  /// What they have counted is that of the first one, and all number on where the furthest of them stood.
  [[nodiscard]] result<std::vector<instance_snapshot>> counted(std::uint32_t unit,
                                                               const std::vector<instance_snapshot>& before,
                                                               std::uint32_t instances) const {
    std::vector<instance_snapshot> after(instances);
    SLUICE_ASSIGN(const auto streams, streams_of(before));
    const bool finished = std::all_of(before.begin(), before.end(), [](const auto& one) { return one.finished; });
    for (std::uint32_t at = 0; at < instances; ++at) {
      after[at].report.who = {unit, at};
      after[at].report.port_rows.resize(before.front().report.port_rows.size());
      after[at].streams = streams;
      after[at].finished = finished;
    }
    auto& first = after.front().report;
    for (const auto& one : before) {
      first.counters += one.report.counters;
      first.stopped_early = first.stopped_early || one.report.stopped_early;
      for (std::size_t port = 0; port < one.report.port_rows.size() && port < first.port_rows.size(); ++port)
        first.port_rows[port] += one.report.port_rows[port];
      for (const auto& channel : to_first(plan_, unit, one.report.sent)) add_to(first.sent, channel.channel, channel);
      for (const auto& channel : to_first(plan_, unit, one.report.received))
        add_to(first.received, channel.channel, channel);
    }
    return after;
  }

  [[nodiscard]] static result<std::string> streams_of(const std::vector<instance_snapshot>& before) {
    std::string places;
    std::vector<std::string> own;
    for (const auto& one : before) {
      if (one.streams.empty()) return std::string();
      opaque_reader from(one.streams, flow::streams_of_unit);
      places = from.text();
      own.push_back(from.text());
      SLUICE_TRY(from.done("where the streams of a unit stood"));
    }
    // Instances that have ended do not say how they numbered.
    std::erase_if(own, [](const auto& one) { return one.empty(); });
    if (own.empty()) return std::string();
    SLUICE_ASSIGN(const auto all, flow::together(own));
    return opaque_writer(flow::streams_of_unit).text(places).text(all).take();
  }

  status divide(std::uint32_t unit, const std::vector<instance_snapshot>& before,
                std::vector<instance_snapshot>& after) const {
    const auto holds = [](const auto& one) { return !one.state.name.empty(); };
    if (std::none_of(before.begin(), before.end(), holds)) return {};
    const auto index = static_cast<int>(unit);
    for (auto& one : after) {
      const auto mine = groups_of(one.report.who.instance, static_cast<std::uint32_t>(after.size()));
      SLUICE_ASSIGN(const auto to, make_transform(plan_, index, context_));
      for (const auto& old : before) {
        if (!holds(old)) continue;
        SLUICE_ASSIGN(const auto from, make_transform(plan_, index, context_));
        SLUICE_TRY(restore_unit(*from, folder_, old.state));
        SLUICE_TRY(take_groups(*to, *from, mine));
      }
      one.held = to->held();
      const auto name = std::to_string(epoch_) + "/" + plan_.units[unit].definition.name + "-" +
                        std::to_string(one.report.who.instance) + "-of-" + std::to_string(after.size()) + ".state";
      SLUICE_ASSIGN(one.state, save_unit(*to, folder_, name));
    }
    return {};
  }

  const plan& plan_;
  const run_context& context_;
  flow::run_snapshot& at_;
  std::string folder_;
  std::uint64_t epoch_;
};

}  // namespace

result<flow::run_snapshot> fit_snapshot(const plan& now, const run_context& context, flow::run_snapshot at,
                                        const std::string& folder, std::uint64_t epoch) {
  fitting all(now, context, at, folder, epoch);
  for (std::uint32_t unit = 0; unit < now.units.size(); ++unit) SLUICE_TRY(all.fit(unit));
  return at;
}

}  // namespace sluice
