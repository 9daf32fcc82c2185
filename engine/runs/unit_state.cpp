#include "engine/runs/unit_state.hpp"

#include "engine/component/spilled_state.hpp"
#include "engine/flow/state_file.hpp"

#include <utility>

namespace sluice {

namespace {

const std::string spilled_mark = "spilled/";

error foreign_part(const std::string& name) {
  return internal_error("foreign_state", "the state part " + name + " does not belong to a unit of this kind");
}

}  // namespace

std::string spilled_part(const std::string& name) { return spilled_mark + name; }

status restore_unit(transform& unit, const std::string& folder, const flow::saved_state& from,
                    const std::function<void(std::vector<state_part>&)>& before) {
  auto* const disk = dynamic_cast<spilled_state*>(&unit);
  std::vector<state_part> parts;
  bool restored = false;
  const auto restore = [&]() -> status {
    if (std::exchange(restored, true)) return {};
    if (before) before(parts);
    return unit.restore(std::exchange(parts, {}));
  };
  const auto take = [&](state_part part) -> status {
    if (part.name.rfind(spilled_mark, 0) != 0) {
      parts.push_back(std::move(part));
      return {};
    }
    part.name.erase(0, spilled_mark.size());
    SLUICE_TRY(restore());
    return disk == nullptr ? status(foreign_part(part.name)) : disk->take_in(part);
  };
  SLUICE_TRY(flow::read_parts(folder, from, take));
  return restore();
}

status take_groups(transform& to, transform& from, key_groups of) {
  SLUICE_ASSIGN(const auto parts, from.state(of));
  SLUICE_TRY(to.restore(parts));
  auto* const disk = dynamic_cast<spilled_state*>(&from);
  if (disk == nullptr || !disk->has_spilled()) return {};
  auto* const takes = dynamic_cast<spilled_state*>(&to);
  return disk->hand_out(of, [&](const state_part& part) -> status {
    return takes == nullptr ? status(foreign_part(part.name)) : takes->take_in(part);
  });
}

result<flow::saved_state> save_unit(transform& unit, const std::string& folder, const std::string& name) {
  SLUICE_ASSIGN(const auto parts, unit.state({}));
  auto* const disk = dynamic_cast<spilled_state*>(&unit);
  if (disk == nullptr || !disk->has_spilled()) return flow::write_state(folder, name, parts);
  SLUICE_ASSIGN(const auto to, flow::state_writer::open(folder, name));
  for (const auto& part : parts) SLUICE_TRY(to->add(part));
  SLUICE_TRY(disk->hand_out({}, [&](const state_part& part) { return to->add({spilled_part(part.name), part.rows}); }));
  return to->finish();
}

}  // namespace sluice
