#include "engine/flow/epoch_round.hpp"

#include <algorithm>

namespace sluice::flow {

epoch_round::epoch_round(const plan& of, const run_snapshot* resumed, std::uint64_t epoch)
    : plan_(&of), completed_(epoch) {
  for (const auto& who : instances_of(of))
    if (who.instance != instance_id::enumerator) instances_.push_back(who);
  for (const auto& unit : of.units)
    if (unit.definition.role == unit_role::extract) sources_[unit.definition.name];
  if (resumed != nullptr)
    for (const auto& [unit, splits] : resumed->sources) sources_[unit] = splits;
  if (resumed != nullptr) watermarks_ = resumed->watermarks;
}

std::vector<instance_id> epoch_round::begin() {
  under_way_ = completed_ + 1;
  std::vector<instance_id> enumerators;
  for (std::uint32_t unit = 0; unit < plan_->units.size(); ++unit)
    if (plan_->units[unit].definition.role == unit_role::extract)
      enumerators.push_back({unit, instance_id::enumerator});
  return enumerators;
}

std::vector<instance_id> epoch_round::ready(const instance_id& enumerator, std::uint64_t epoch) {
  std::vector<instance_id> readers;
  if (under_way_ != epoch || reading_.contains(enumerator.unit)) return readers;
  for (const auto& who : instances_)
    if (who.unit == enumerator.unit && !has(who)) readers.push_back(who);
  reading_.insert(enumerator.unit);
  return readers;
}

std::vector<instance_id> epoch_round::passed(std::uint32_t unit) {
  const bool all =
      std::all_of(instances_.begin(), instances_.end(), [&](const auto& who) { return who.unit != unit || has(who); });
  if (!all || reading_.erase(unit) == 0) return {};
  return {{unit, instance_id::enumerator}};
}

std::vector<instance_id> epoch_round::prepared(std::uint64_t epoch, contribution what) {
  const auto who = what.what.report.who;
  if (under_way_ != epoch || got_.contains(who)) return {};
  got_[who] = std::move(what);
  return passed(who.unit);
}

std::vector<instance_id> epoch_round::finished(contribution what) {
  const auto who = what.what.report.who;
  ended_[who] = std::move(what);
  return passed(who.unit);
}

bool epoch_round::complete() const {
  return under_way_ && std::all_of(instances_.begin(), instances_.end(), [&](const auto& who) { return has(who); });
}

/// A reader that has just begun knows nothing of the times of the rows that another one has read before.
void epoch_round::take_split(source_progress& into, const split_state& of) {
  auto& known = into[of.split];
  auto latest = of.latest;
  if (known.latest && (!latest || *known.latest > *latest)) latest = known.latest;
  known = of;
  known.latest = latest;
}

/// What units below have seen of a source is the lowest of what its readers have passed on; one that has passed on none
/// yet has the last one of the run before.
void epoch_round::take_watermarks() {
  std::map<std::string, std::optional<std::int64_t>> lowest;
  const auto add = [&](const instance_id& who, const contribution& from) {
    const auto& unit = plan_->units[who.unit].definition;
    if (unit.role != unit_role::extract) return;
    const auto& risen = from.what.watermark;
    const auto [known, first] = lowest.try_emplace(unit.name, risen);
    if (!first) known->second = risen ? std::min(known->second, risen) : std::nullopt;
  };
  for (const auto& [who, one] : got_) add(who, one);
  // One that has come to the end of what is there now (until: now) is not over.
  for (const auto& [who, one] : ended_)
    if (plan_->units[who.unit].stops && !got_.contains(who)) add(who, one);
  for (const auto& [unit, risen] : lowest)
    if (risen) watermarks_[unit] = std::max(*risen, watermarks_.try_emplace(unit, *risen).first->second);
}

epoch_round::collected epoch_round::take() {
  collected made{.epoch = completed_ + 1};
  const auto add = [&](const contribution& from) {
    const auto who = from.what.report.who;
    const auto& name = plan_->units[who.unit].definition.name;
    for (const auto& split : from.what.splits) take_split(sources_[name], split);
    made.snapshot.instances.push_back(from.what);
    made.snapshot.instances.back().splits.clear();
    if (from.prepared) made.prepared.emplace_back(who, *from.prepared);
  };
  take_watermarks();
  for (const auto& who : instances_) {
    // One that has passed the barrier and ended since: its end belongs to the next epoch.
    if (const auto found = got_.find(who); found != got_.end()) {
      add(found->second);
    } else if (const auto last = ended_.find(who); last != ended_.end()) {
      add(last->second);
      last->second.prepared.reset();
      last->second.what.splits.clear();
    }
  }
  made.snapshot.sources = sources_;
  made.snapshot.watermarks = watermarks_;
  got_.clear();
  reading_.clear();
  under_way_.reset();
  completed_ = made.epoch;
  return made;
}

}  // namespace sluice::flow
