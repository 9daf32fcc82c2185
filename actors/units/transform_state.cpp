#include "actors/units/transform_state.hpp"

#include "actors/units/guarded.hpp"
#include "engine/component/refreshes.hpp"
#include "engine/component/spilled_state.hpp"
#include "engine/flow/state_file.hpp"
#include "engine/runs/unit_state.hpp"

#include <utility>

namespace sluice::actors {

result<handed_out> hand_out(const open_transform& from, const std::string& name) {
  return guarded("hand out what the unit holds", [&]() -> result<handed_out> {
    handed_out made;
    SLUICE_ASSIGN(made.parts, from.unit->state({}));
    auto* const disk = dynamic_cast<spilled_state*>(from.unit.get());
    if (disk == nullptr || !disk->has_spilled()) return made;
    SLUICE_ASSIGN(made.file, flow::state_writer::open(from.setup->checkpoint_folder, name));
    for (const auto& part : made.parts) SLUICE_TRY(made.file->add(part));
    made.parts.clear();
    const auto add = [&](const state_part& part) { return made.file->add({spilled_part(part.name), part.rows}); };
    SLUICE_TRY(disk->hand_out({}, add));
    return made;
  });
}

result<flow::saved_state> write(const std::string& folder, const std::string& name, const handed_out& what) {
  return what.file ? what.file->finish() : flow::write_state(folder, name, what.parts);
}

status take_back(const open_transform& to) {
  const auto& from = *to.setup->resume;
  const auto forget = [&](std::vector<state_part>& parts) {
    if (!from.refreshed.contains(to.who.unit)) return;
    if (const auto* const reads = dynamic_cast<const refreshes*>(to.unit.get())) reads->forget(parts);
  };
  return restore_unit(*to.unit, from.folder, from.snapshot.find(to.who)->state, forget);
}

}  // namespace sluice::actors
