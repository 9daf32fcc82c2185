#include "engine/plan/instances.hpp"

#include "engine/component/takes_filter.hpp"
#include "engine/error/remarks.hpp"
#include "engine/plan/following_source.hpp"
#include "engine/plan/grouped_source.hpp"
#include "engine/plan/increment_sink.hpp"
#include "engine/plan/read_back_sink.hpp"
#include "engine/plan/reading.hpp"
#include "engine/plan/spilling.hpp"
#include "engine/plan/unit_graph.hpp"
#include "engine/plan/watermark_source.hpp"
#include "engine/secrets/known_secrets.hpp"
#include "engine/secrets/reveal.hpp"
#include "engine/sinks/when_down/rule.hpp"

#include <arrow/type.h>

#include <algorithm>
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
      made = make(*found, *std::move(revealed), faults);
    } catch (const std::exception& problem) {
      faults.push_back(
          internal_error("unexpected_exception", std::string("the component threw an exception: ") + problem.what()));
    }
  }
  for (auto at = before; at < faults.size(); ++at) {
    auto& fault = faults[at];
    fault.where = "unit " + definition.name + (fault.where.empty() ? "" : ", " + fault.where);
    fault.path = unit_path(definition) + fault.path;
  }
  const auto first = faults.begin() + static_cast<std::ptrdiff_t>(before);
  // With faults a transform may have left a stand-in.
  if (!std::all_of(first, faults.end(), is_remark))
    return kind == component_kind::transform ? std::move(made) : nullptr;
  if (made == nullptr && !has_unset_secret(faults, before))
    faults.push_back(internal_error("unexpected_exception",
                                    "unit " + definition.name + " was not created, and no fault was reported"));
  return made;
}

}  // namespace

namespace {

/// Makes the component itself.
std::unique_ptr<source> make_plain_source(const planned_unit& unit, const run_context& context, diagnostics& faults) {
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
                                    request.want_positions = unit.want_positions;
                                    request.resolved = unit.resolved;
                                    request.needed = unit.needed;
                                    request.files = unit.reading.files;
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

bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// The unit as it reads one group of its files: with the columns that those have. What reads refused files takes every
/// column as it comes.
planned_unit of_group(const planned_unit& unit, std::uint32_t number) {
  auto made = unit;
  const auto& group = unit.reading.groups[number];
  auto& definition = made.definition;
  std::vector<chosen_file> files;
  for (std::size_t at = 0; at < unit.reading.group_of.size(); ++at)
    if (unit.reading.group_of[at] == number) files.push_back(unit.reading.files->all()[at]);
  made.reading = {};
  made.reading.files = std::make_shared<const chosen_files>(std::move(files));
  if (!group.refused.empty()) {
    definition.types = nullptr;
    definition.columns.clear();
    definition.metadata = nullptr;
    definition.sample = 1;
    made.policy = on_error::reject;
    made.want_positions = true;
    made.resolved = group.own;
    made.needed.clear();
    return made;
  }
  const auto is_metadata = [&](const std::string& name) {
    return definition.metadata.is_object() && definition.metadata.contains(name);
  };
  definition.columns = group.columns;
  if (definition.types.is_object())
    for (const auto& [name, ignored] : unit.definition.types.items())
      if (!contains(group.columns, name)) definition.types.erase(name);
  arrow::FieldVector fields;
  for (const auto& field : unit.resolved->fields())
    if (contains(group.columns, field->name()) || is_metadata(field->name())) fields.push_back(field);
  made.resolved = arrow::schema(std::move(fields));
  std::erase_if(made.needed, [&](const auto& name) { return !made.resolved->GetFieldByName(name); });
  if (!unit.needed.empty() && made.needed.empty()) made.needed = {made.resolved->field(0)->name()};
  return made;
}

/// The columns that a unit's batches have: those that are needed, in order.
std::shared_ptr<arrow::Schema> output_schema(const planned_unit& unit) {
  arrow::FieldVector fields;
  for (const auto& field : unit.resolved->fields())
    if (unit.needed.empty() || contains(unit.needed, field->name())) fields.push_back(field);
  return arrow::schema(std::move(fields));
}

/// The unit with the real names of its files: plans hold no values of secrets.
result<planned_unit> with_file_names(planned_unit unit, const run_context& context) {
  const auto has_reference = [](const chosen_file& file) { return secrets::has_reference(file.name); };
  if (!unit.reading.files ||
      std::none_of(unit.reading.files->all().begin(), unit.reading.files->all().end(), has_reference))
    return unit;
  std::vector<chosen_file> files = unit.reading.files->all();
  for (auto& file : files) {
    SLUICE_ASSIGN(const auto name, reveal_secrets(file.name, context));
    file.name = name.text();
  }
  unit.reading.files = std::make_shared<const chosen_files>(std::move(files));
  return unit;
}

std::unique_ptr<source> make_groups(const planned_unit& unit, const run_context& context, diagnostics& faults) {
  const auto& reading = unit.reading;
  std::vector<std::unique_ptr<source>> inner;
  for (std::uint32_t number = 0; number < reading.groups.size(); ++number) {
    inner.push_back(make_plain_source(of_group(unit, number), context, faults));
    if (inner.back() == nullptr) return nullptr;
  }
  return make_grouped_source(std::move(inner), reading.groups, reading.files, reading.group_of, output_schema(unit));
}

}  // namespace

std::unique_ptr<source> instantiate_source(const planned_unit& unit, const run_context& context, diagnostics& faults) {
  auto named = with_file_names(unit, context);
  if (!named.ok()) {
    faults.push_back(std::move(named).problem());
    faults.back().where = "unit " + unit.definition.name;
    return nullptr;
  }
  auto read = *std::move(named);
  if (is_followed(unit.definition)) {
    const auto make = [&context](const planned_unit& piece, diagnostics& found) {
      return make_plain_source(piece, context, found);
    };
    return make_following_source(read, context, make, faults);
  }
  const auto& reading = unit.reading;
  const auto& mark = reading.mark;
  const bool keeps_column = !mark || unit.needed.empty() || contains(unit.needed, mark->column);
  if (mark) read.want_positions = true;
  if (!keeps_column) read.needed.push_back(mark->column);
  auto made = reading.groups.empty() ? make_plain_source(read, context, faults) : make_groups(read, context, faults);
  if (made == nullptr) return nullptr;
  if (reading.frozen) made = make_frozen_source(std::move(made), reset_command(unit, context));
  if (!mark) return made;
  auto marked = make_watermark_source(std::move(made), *mark, keeps_column, unit.want_positions);
  if (marked.ok()) return std::move(*marked);
  faults.push_back(std::move(marked).problem());
  faults.back().where = "unit " + unit.definition.name;
  faults.back().path = unit_path(unit.definition) + "/incremental";
  return nullptr;
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
                                  request.read_ports = unit.read_ports;
                                  request.pruned = pruned;
                                  request.endless = unit.endless;
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
                             request.continues = unit.continues;
                             request.context = &context;
                             return by.make_sink(request, into);
                           });
}

namespace {

template <class Made>
result<std::unique_ptr<Made>> only(std::unique_ptr<Made> made, diagnostics& faults) {
  const auto first = std::find_if_not(faults.begin(), faults.end(), is_remark);
  if (first != faults.end()) return *first;
  return made;
}

status check_unit(const plan& from, int unit, unit_role role) {
  if (unit < 0 || static_cast<std::size_t>(unit) >= from.units.size() ||
      from.units[static_cast<std::size_t>(unit)].definition.role != role)
    return internal_error("wrong_unit", "the plan has no unit of this kind: " + std::to_string(unit));
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
  if (const auto& loads = from.units[static_cast<std::size_t>(unit)]; when_down::spill_of(loads.definition.own))
    return make_spilling_sink(loads, context, instantiate_sink);
  auto made = only(instantiate_sink(from.units[static_cast<std::size_t>(unit)], context, faults), faults);
  if (made.ok()) made = compare_with_written(std::move(*made), from.units[static_cast<std::size_t>(unit)], context);
  const auto* by =
      find_component(component_kind::sink, from.units[static_cast<std::size_t>(unit)].definition.component);
  const bool keeps = by != nullptr && by->spec.modes.size() > 1;
  if (made.ok() && keeps && is_below_increment(from, unit)) return touch_only_with_rows(std::move(*made));
  return made;
}

}  // namespace sluice
