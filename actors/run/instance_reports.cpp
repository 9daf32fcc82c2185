#include "actors/run/instance_reports.hpp"

#include "engine/flow/written_counts.hpp"

#include <algorithm>

namespace sluice::actors {

instance_reports::instance_reports(const plan& of) : plan_(&of), units_(of.units.size()) {}

void instance_reports::discovered(std::uint32_t unit, std::uint64_t bytes) {
  // What a source without end has found so far is no share of anything.
  if (bytes > 0 && !plan_->units[unit].endless) units_[unit].share.expect(bytes);
}

void instance_reports::counted(const instance_progress& report) {
  const auto& who = report.who;
  if (who.instance == flow::instance_id::enumerator) return;
  counted(who, report.counters);
  auto& unit = units_[who.unit];
  auto& waits = unit.waits[who.instance];
  waits.held_back = report.held_back;
  waits.starved = report.starved;
  unit.down.erase(who.instance);
  if (!report.down.empty()) unit.down[who.instance] = {.since = report.down_since, .why = report.down};
}

void instance_reports::counted(const flow::instance_id& who, const flow::unit_counters& counters) {
  if (who.instance != flow::instance_id::enumerator) units_[who.unit].instances[who.instance] = counters;
}

void instance_reports::finished(const flow::instance_id& who, const flow::unit_counters& counters) {
  if (who.instance != flow::instance_id::enumerator) units_[who.unit].instances[who.instance] = counters;
  units_[who.unit].waits.erase(who.instance);
  ++units_[who.unit].finished;
}

std::optional<down_state> instance_reports::down(std::uint32_t unit) const {
  std::optional<down_state> longest;
  for (const auto& [instance, state] : units_[unit].down)
    if (!longest || state.since < longest->since) longest = state;
  return longest;
}

flow::unit_counters instance_reports::sum(const unit_state& unit) {
  flow::unit_counters all;
  for (const auto& [instance, counters] : unit.instances) all += counters;
  return all;
}

std::vector<flow::unit_counters> instance_reports::sums() const {
  std::vector<flow::unit_counters> all;
  for (const auto& unit : units_) all.push_back(sum(unit));
  flow::count_where_written(*plan_, all);
  return all;
}

void instance_reports::tick(std::int64_t now) {
  const auto all = sums();
  for (std::size_t index = 0; index < units_.size(); ++index) {
    units_[index].rate.at(now, all[index].in);
    units_[index].share.at(now, all[index].bytes);
    auto& unit = units_[index];
    // One that has all the work, and can't go on, holds the unit up, whatever the others do.
    std::uint64_t most = 0;
    std::size_t starved = 0;
    for (auto& [instance, waits] : unit.waits) {
      most = std::max(most, waits.held_back - std::min(waits.held_back, waits.looked_at));
      waits.looked_at = waits.held_back;
      starved += waits.starved ? 1 : 0;
    }
    unit.held_back += most * unit.waits.size();
    unit.waiting.at(now, unit.waits.size(), unit.held_back, starved);
  }
}

void instance_reports::fill(run_progress& progress) const {
  progress.units.clear();
  const auto all = sums();
  for (std::size_t index = 0; index < units_.size(); ++index) {
    const auto& unit = units_[index];
    const auto& planned = plan_->units[index];
    unit_progress shown;
    shown.unit = planned.definition.name;
    shown.counters = all[index];
    const bool done = unit.finished == static_cast<std::size_t>(planned.parallelism);
    shown.state = done ? "finished" : shown.counters.in > 0 ? "running" : "waiting";
    shown.role = to_string(planned.definition.role);
    shown.rows_per_second = unit.rate.per_second();
    shown.held_back_ppm = done ? 0 : unit.waiting.held_back_ppm();
    shown.starved_ppm = done ? 0 : unit.waiting.starved_ppm();
    if (auto state = down(static_cast<std::uint32_t>(index))) {
      shown.down = std::move(state->why);
      shown.down_since = state->since;
    }
    if (done) {
      shown.done_ppm = 1'000'000;
    } else if (planned.definition.role == unit_role::extract) {
      shown.done_ppm = unit.share.done_ppm().value_or(-1);
      if (const auto left = unit.share.left()) progress.left_microseconds = std::max(progress.left_microseconds, *left);
    }
    progress.units.push_back(std::move(shown));
  }
}

std::uint64_t instance_reports::rejected() const {
  std::uint64_t rows = 0;
  for (const auto& unit : sums()) rows += unit.rejected;
  return rows;
}

}  // namespace sluice::actors
