#include "engine/plan/pipeline.hpp"

namespace sluice {

std::string unit_path(const unit_definition& unit) {
  switch (unit.role) {
    case unit_role::extract:
      return "/extract/" + unit.name;
    case unit_role::transform:
      return "/transform/" + unit.name;
    case unit_role::load:
      break;
  }
  return "/load/" + unit.name;
}

}  // namespace sluice
