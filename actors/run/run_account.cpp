#include "actors/run/run_account.hpp"

#include "engine/memory/manager.hpp"

namespace sluice::actors {

run_account::run_account(const run_setup& of)
    : run_(of.run), plan_(*of.what), context_(of.context), reports_(plan_), rules_(plan_) {
  if (!of.resume) return;
  for (const auto& one : of.resume->snapshot.instances) {
    const auto& c = one.report.counters;
    const auto counted = c.in + c.added - c.out - c.filtered - c.merged - c.rejected - c.waiting;
    if (one.held != counted && !one.report.stopped_early) held_before_[one.report.who] = one.held - counted;
  }
}

std::uint64_t run_account::held_since(const flow::instance_id& who, std::uint64_t held) const {
  const auto before = held_before_.find(who);
  return before == held_before_.end() ? held : held - before->second;
}

void run_account::finished(flow::instance_report report, const std::string& target, std::uint64_t held) {
  reports_.finished(report.who, report.counters);
  if (!target.empty()) targets_[report.who.unit] = target;
  finished_.insert(report.who);
  held = held_since(report.who, held);
  rows_.add(std::move(report), held);
}

status run_account::at_checkpoint(const flow::run_snapshot& what) {
  flow::balance then;
  for (const auto& one : what.instances) {
    then.add(one.report, held_since(one.report.who, one.held));
    // One that has ended since has said its last word, which is newer.
    if (finished_.contains(one.report.who)) continue;
    reports_.counted(one.report.who, one.report.counters);
    rows_.add(one.report, held_since(one.report.who, one.held));
  }
  auto made = then.verify(plan_);
  balanced_ = made.ok();
  return made;
}

status run_account::balance() {
  auto made = rows_.verify(plan_);
  balanced_ = made.ok();
  return made;
}

std::uint64_t run_account::read() const {
  std::uint64_t rows = 0;
  for (std::uint32_t unit = 0; unit < plan_.units.size(); ++unit)
    if (plan_.units[unit].definition.role == unit_role::extract) rows += rows_.of_unit(unit).in;
  return rows;
}

run_progress run_account::progress(store::run_state now, std::int64_t age) const {
  run_progress made;
  made.run = run_;
  made.pipeline = plan_.definition.name;
  made.state = store::to_string(now);
  made.running_microseconds = age;
  const auto& memory = *context_->memory;
  made.memory_limit = memory.limit();
  made.memory_reserved = memory.reserved();
  made.memory_queued = memory.queued();
  reports_.fill(made);
  return made;
}

run_outcome run_account::outcome(store::run_state state, std::optional<error> cause, std::int64_t age) const {
  run_outcome made;
  made.run = run_;
  made.state = state;
  made.cause = std::move(cause);
  made.balanced = balanced_;
  made.rejected = rejected();
  made.rejects_path = rejects_path_;
  made.duration_microseconds = age;
  run_progress shown;
  reports_.fill(shown);
  for (std::size_t index = 0; index < shown.units.size(); ++index) {
    const auto target = targets_.find(static_cast<std::uint32_t>(index));
    made.units.push_back({.unit = shown.units[index].unit,
                          .role = plan_.units[index].definition.role,
                          .counters = shown.units[index].counters,
                          .target = target == targets_.end() ? "" : target->second});
  }
  return made;
}

options run_account::unit_outcome(std::uint32_t unit) const {
  auto one = to_options(outcome(store::run_state::running, {}, 0))["units"][unit];
  one.erase("unit");
  if (auto rules = rules_.unit_options(unit); !rules.is_null()) one["rules"] = std::move(rules);
  return one;
}

}  // namespace sluice::actors
