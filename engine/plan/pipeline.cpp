#include "engine/plan/pipeline.hpp"

#include "engine/operators/reconcile/reconciled_sink.hpp"

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

const char* to_string(unit_role role) {
  switch (role) {
    case unit_role::extract:
      return "extract";
    case unit_role::transform:
      return "transform";
    case unit_role::load:
      break;
  }
  return "load";
}

std::string unit_path(const unit_definition& unit) {
  // A unit that stands before a sink to reconcile it is a part of that sink.
  if (unit.component == "reconcile" && unit.own.is_object() && unit.own.contains(reconciled_sink))
    return "/load/" + unit.own.value(reconciled_sink, std::string());
  return std::string("/") + to_string(unit.role) + "/" + unit.name;
}

}  // namespace sluice
