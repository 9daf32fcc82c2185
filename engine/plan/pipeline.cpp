#include "engine/plan/pipeline.hpp"

namespace sluice {

const char* to_string(column_contract rule) {
  switch (rule) {
    case column_contract::evolve:
      return "evolve";
    case column_contract::freeze:
      return "freeze";
    case column_contract::discard:
      return "discard";
    case column_contract::quarantine:
      return "quarantine";
    case column_contract::none:
      break;
  }
  return "none";
}

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
