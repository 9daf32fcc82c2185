#include "actors/units/instance.hpp"

#include "actors/run/split_enumerator.hpp"
#include "actors/units/extract_unit.hpp"
#include "actors/units/load_unit.hpp"
#include "actors/units/transform_unit.hpp"

#include <caf/all.hpp>

#include <map>

namespace sluice::actors {

caf::actor spawn_instance(caf::actor_system& system, std::shared_ptr<const run_setup> setup, flow::instance_id who,
                          const node_services& services) {
  if (who.instance == flow::instance_id::enumerator) return spawn_enumerator(system, std::move(setup), who, services);
  switch (setup->what->units[who.unit].definition.role) {
    case unit_role::extract:
      return spawn_extract(system, std::move(setup), who, services);
    case unit_role::transform:
      return spawn_transform(system, std::move(setup), who, services);
    case unit_role::load:
      return spawn_load(system, std::move(setup), who, services);
  }
  return {};
}

wiring wiring_of(const plan& of, const std::vector<launched_instance>& all, flow::instance_id who,
                 const caf::actor& supervisor, const caf::actor& rejects) {
  std::map<flow::instance_id, caf::actor> handles;
  for (const auto& instance : all) handles[instance.who] = instance.handle;
  wiring links;
  links.supervisor = supervisor;
  links.rejects = rejects;
  for (std::uint32_t index = 0; index < of.units.size(); ++index) {
    const auto& unit = of.units[index];
    if (unit.definition.role != unit_role::extract) continue;
    if (links.enumerators.size() <= unit.source_number) links.enumerators.resize(unit.source_number + 1);
    links.enumerators[unit.source_number] = handles[{index, flow::instance_id::enumerator}];
  }
  if (who.instance == flow::instance_id::enumerator) return links;
  for (const auto& channel : flow::channels_of(of)) {
    const auto& edge = of.edges[channel.edge];
    const flow::instance_id from{static_cast<std::uint32_t>(edge.from_unit), channel.from};
    const flow::instance_id to{static_cast<std::uint32_t>(edge.to_unit), channel.to};
    if (from == who) links.outputs.push_back({channel, handles[to]});
    if (to == who) links.inputs.push_back({channel, handles[from]});
  }
  return links;
}

namespace {

caf::behavior local_starter(caf::event_based_actor* self, const node_services& services) {
  return {[self, services](const launch& message) {
    launched answer;
    for (const auto& who : flow::instances_of(*message.setup->what))
      answer.instances.push_back({who, spawn_instance(self->system(), message.setup, who, services), services.node});
    for (const auto& instance : answer.instances)
      self->send(instance.handle,
                 wiring_of(*message.setup->what, answer.instances, instance.who, message.supervisor, message.rejects));
    self->send(message.supervisor, std::move(answer));
  }};
}

}  // namespace

caf::actor spawn_local_starter(caf::actor_system& system, const node_services& services) {
  return system.spawn(local_starter, services);
}

}  // namespace sluice::actors
