#include "actors/run/run_start.hpp"

#include "actors/run/run_events.hpp"

#include <set>
#include <utility>

namespace sluice::actors {

void run_start::launched(std::vector<launched_instance> all) {
  for (auto& one : all) instances_.add({.who = one.who, .handle = std::move(one.handle), .node = std::move(one.node)});
}

bool run_start::started(const flow::instance_id& who, bool ending) {
  auto* const known = instances_.find(who);
  if (known == nullptr || known->started) return false;
  known->started = true;
  const auto is_started = [](const auto& each) { return each.started; };
  const bool unit_started = instances_.all_of_unit(who.unit, is_started);
  if (unit_started && who.instance != flow::instance_id::enumerator && !ending) {
    const auto& unit = of_.what->units[who.unit];
    waiting_.push_back(event_of(of_, "unit.started", unit.definition.name,
                                {{"parallelism", unit.parallelism}, {"node", known->node}}));
  }
  return instances_.all(is_started);
}

void run_start::tell(store::event what) {
  begun_ ? told_.write({}, {}, {}, {std::move(what)}) : waiting_.push_back(std::move(what));
}

std::vector<store::event> run_start::begin_adopted() {
  begun_ = true;
  auto all = left();
  std::erase_if(all, [](const auto& one) { return one.type == "unit.started"; });
  std::set<std::string> known;
  for (const auto& [who, one] : instances_) known.insert(one.node);
  std::string nodes;
  for (const auto& name : known) nodes += (nodes.empty() ? "" : ", ") + name;
  all.insert(all.begin(),
             event_of(of_, "run.adopted", "",
                      {{"attempt", of_.attempt}, {"epoch", of_.resume ? of_.resume->epoch : 0}, {"nodes", nodes}}));
  return all;
}

std::vector<store::event> run_start::begin() {
  begun_ = true;
  auto all = first_events(of_);
  auto waited = left();
  all.insert(all.end(), std::make_move_iterator(waited.begin()), std::make_move_iterator(waited.end()));
  return all;
}

}  // namespace sluice::actors
