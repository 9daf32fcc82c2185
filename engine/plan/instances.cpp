#include "engine/plan/instances.hpp"

#include "engine/plan/secrets.hpp"
#include "engine/plan/unit_graph.hpp"
#include "engine/takes_filter.hpp"

#include <exception>

namespace sluice {

namespace {

/// Runs a factory with secrets filled in and makes its faults those of the unit.
template <class Made, class Make>
std::unique_ptr<Made> instantiate(const planned_unit& unit, component_kind kind, const run_context& context,
                                  diagnostics& faults, Make make) {
  const auto& definition = unit.definition;
  const auto before = faults.size();
  const auto* found = find_component(kind, definition.component);
  std::unique_ptr<Made> made;
  if (found == nullptr) {
    faults.push_back(unit_fault(definition, {}, "unknown_component", "there is no component " + definition.component,
                                "this program may be older than the one that planned the run"));
    return nullptr;
  }
  auto revealed = reveal_secrets(definition.own, context);
  if (!revealed.ok()) {
    faults.push_back(std::move(revealed).problem());
    faults.back().path = "/" + definition.component + faults.back().path;
  } else {
    try {
      made = make(*found, std::move(revealed->own), faults);
    } catch (const std::exception& problem) {
      faults.push_back(
          internal_error("unexpected_exception", std::string("an exception left the component: ") + problem.what()));
    }
    hide_secrets(revealed->values, faults, before);
  }
  for (auto at = before; at < faults.size(); ++at) {
    auto& fault = faults[at];
    fault.where = "unit " + definition.name + (fault.where.empty() ? "" : ", " + fault.where);
    fault.path = unit_path(definition) + fault.path;
  }
  if (faults.size() > before) return nullptr;
  if (made == nullptr)
    faults.push_back(
        internal_error("unexpected_exception", "unit " + definition.name + " was not made, and no fault says why"));
  return made;
}

}  // namespace

std::unique_ptr<source> instantiate_source(const planned_unit& unit, const run_context& context, diagnostics& faults) {
  const auto& definition = unit.definition;
  auto made = instantiate<source>(unit, component_kind::source, context, faults,
                                  [&](const component& by, options own, diagnostics& into) {
                                    source_request request;
                                    request.unit = definition.name;
                                    request.number = unit.source_number;
                                    request.own = std::move(own);
                                    request.types = definition.types;
                                    request.columns = definition.columns;
                                    request.metadata = definition.metadata;
                                    request.sample = definition.sample;
                                    request.policy = unit.policy;
                                    request.keep_order = !definition.any_order;
                                    request.want_positions = unit.want_positions;
                                    request.resolved = unit.resolved;
                                    request.needed = unit.needed;
                                    request.context = &context;
                                    return by.make_source(request, into);
                                  });
  auto* const filtering = unit.filter.empty() ? nullptr : dynamic_cast<takes_filter*>(made.get());
  if (filtering == nullptr) return made;
  if (auto taken = filtering->leave_out_unless(unit.filter, definition.name, context); !taken.ok()) {
    faults.push_back(std::move(taken).problem());
    return nullptr;
  }
  return made;
}

std::unique_ptr<transform> instantiate_transform(const planned_unit& unit, bool pruned, const run_context& context,
                                                 diagnostics& faults) {
  return instantiate<transform>(unit, component_kind::transform, context, faults,
                                [&](const component& by, options own, diagnostics& into) {
                                  transform_request request;
                                  request.unit = unit.definition.name;
                                  request.inputs = unit.inputs;
                                  request.own = std::move(own);
                                  request.policy = unit.policy;
                                  request.pruned = pruned;
                                  request.context = &context;
                                  return by.make_transform(request, into);
                                });
}

std::unique_ptr<sink> instantiate_sink(const planned_unit& unit, const run_context& context, diagnostics& faults) {
  return instantiate<sink>(unit, component_kind::sink, context, faults,
                           [&](const component& by, options own, diagnostics& into) {
                             sink_request request;
                             request.unit = unit.definition.name;
                             request.schema = unit.inputs.empty() ? nullptr : unit.inputs.front().schema;
                             request.own = std::move(own);
                             request.mode = unit.definition.mode;
                             request.key = unit.definition.key;
                             request.policy = unit.policy;
                             request.context = &context;
                             return by.make_sink(request, into);
                           });
}

namespace {

template <class Made>
result<std::unique_ptr<Made>> only(std::unique_ptr<Made> made, diagnostics& faults) {
  if (made == nullptr) return faults.front();
  return made;
}

status check_unit(const plan& from, int unit, unit_role role) {
  if (unit < 0 || static_cast<std::size_t>(unit) >= from.units.size() ||
      from.units[static_cast<std::size_t>(unit)].definition.role != role)
    return internal_error("wrong_unit", "the plan has no such unit of that kind: " + std::to_string(unit));
  return {};
}

}  // namespace

result<std::unique_ptr<source>> make_source(const plan& from, int unit, const run_context& context) {
  SLUICE_TRY(check_unit(from, unit, unit_role::extract));
  diagnostics faults;
  return only(instantiate_source(from.units[static_cast<std::size_t>(unit)], context, faults), faults);
}

result<std::unique_ptr<transform>> make_transform(const plan& from, int unit, const run_context& context) {
  SLUICE_TRY(check_unit(from, unit, unit_role::transform));
  diagnostics faults;
  return only(instantiate_transform(from.units[static_cast<std::size_t>(unit)], true, context, faults), faults);
}

result<std::unique_ptr<sink>> make_sink(const plan& from, int unit, const run_context& context) {
  SLUICE_TRY(check_unit(from, unit, unit_role::load));
  diagnostics faults;
  return only(instantiate_sink(from.units[static_cast<std::size_t>(unit)], context, faults), faults);
}

}  // namespace sluice
