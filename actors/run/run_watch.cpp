#include "actors/run/run_watch.hpp"

#include <algorithm>

namespace sluice::actors {

namespace {

constexpr std::int64_t look_interval = 1'000'000;
/// Of the limit.
constexpr double near_share = 0.8;

store::event event_of(std::string type, const std::string& unit, options data) {
  store::event made;
  made.type = std::move(type);
  made.unit = unit;
  made.data = std::move(data);
  return made;
}

}  // namespace

std::vector<store::event> run_watch::look(const now& at, const std::vector<unit_progress>& units) {
  std::vector<store::event> told;
  next_ = at.age + look_interval;
  look_at_rejects(at, told);
  look_at_units(at, units, told);
  look_at_checkpoint(at, told);
  return told;
}

void run_watch::look_at_rejects(const now& at, std::vector<store::event>& told) {
  const auto& rule = plan_.definition.rejects;
  // Those of a run without end are judged at its checkpoints.
  if (at.rejected == 0 || reached_ || plan_.endless()) return;
  const auto data = [&] {
    options made = {{"rejected", at.rejected}, {"read", at.read}, {"allow", rule.allow}};
    if (rule.fail_above) made["fail_above"] = *rule.fail_above;
    return made;
  };
  const auto allowed = static_cast<double>(rule.allow);
  const auto rejected = static_cast<double>(at.rejected);
  if (rejected > allowed) {
    reached_ = true;
    told.push_back(event_of("rejects.reached", "", data()));
  } else if (!near_ && rejected >= near_share * allowed) {
    near_ = true;
    told.push_back(event_of("rejects.near", "", data()));
  }
}

void run_watch::look_at_units(const now& at, const std::vector<unit_progress>& units, std::vector<store::event>& told) {
  for (const auto& unit : units) {
    if (unit.state != "running" || unit.held_back_ppm < held_back_ppm) {
      const auto found = held_.find(unit.unit);
      if (found == held_.end()) continue;
      if (found->second.told)
        told.push_back(
            event_of("backpressure.ended", unit.unit, {{"lasted_microseconds", at.age - found->second.since}}));
      held_.erase(found);
      continue;
    }
    auto& one = held_.try_emplace(unit.unit, held{at.age, false}).first->second;
    if (one.told || at.age - one.since < held_back_for) continue;
    one.told = true;
    // What slows it down is below it: the first unit that is neither held back itself nor without work.
    std::string by;
    if (const auto number = plan_.find(unit.unit))
      for (const auto edge : plan_.edges_from(*number)) {
        const auto& below =
            plan_.units[static_cast<std::size_t>(plan_.edges[static_cast<std::size_t>(edge)].to_unit)].definition.name;
        const auto found =
            std::find_if(units.begin(), units.end(), [&](const auto& each) { return each.unit == below; });
        if (by.empty() && found != units.end() && found->held_back_ppm < held_back_ppm) by = below;
      }
    options data = {{"held_back", static_cast<double>(unit.held_back_ppm) / 1e6},
                    {"lasts_microseconds", at.age - one.since}};
    if (!by.empty()) data["by"] = by;
    told.push_back(event_of("backpressure.sustained", unit.unit, std::move(data)));
  }
}

void run_watch::look_at_checkpoint(const now& at, std::vector<store::event>& told) {
  if (at.checkpoint != epoch_) {
    epoch_ = at.checkpoint;
    epoch_since_ = at.age;
    epoch_told_ = false;
  }
  if (!epoch_ || epoch_told_) return;
  const auto limit = std::max(slow_checkpoint, plan_.checkpoint_interval().value_or(0));
  if (at.age - epoch_since_ < limit) return;
  epoch_told_ = true;
  told.push_back(event_of("checkpoint.slow", "", {{"epoch", *epoch_}, {"lasts_microseconds", at.age - epoch_since_}}));
}

}  // namespace sluice::actors
