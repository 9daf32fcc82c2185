#include "engine/plan/stated_target.hpp"

#include "engine/component/component.hpp"

namespace sluice {

std::optional<write_target> stated_target(const std::string& component, const options& own) {
  const auto* found = find_component(component_kind::sink, component);
  if (found == nullptr || found->target == nullptr) return {};
  auto stated = found->target(own);
  stated.option = "/" + component + stated.option;
  return stated;
}

}  // namespace sluice
