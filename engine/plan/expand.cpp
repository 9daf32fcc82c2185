#include "engine/plan/expand.hpp"

#include "engine/component/stand_in.hpp"
#include "engine/plan/edges.hpp"
#include "engine/plan/grouping_sets.hpp"
#include "engine/sql/lower.hpp"

#include <algorithm>

namespace sluice {

namespace {

bool any_unknown(const planned_unit& unit) {
  return std::any_of(unit.inputs.begin(), unit.inputs.end(),
                     [](const auto& one) { return has_unknown_columns(*one.schema); });
}

/// Opens a gap of `count` units before unit `at`.
void insert_units(draft& of, std::size_t at, std::size_t count) {
  const auto place = static_cast<std::ptrdiff_t>(at);
  of.made.units.insert(of.made.units.begin() + place, count, planned_unit{});
  of.missing.insert(of.missing.begin() + place, count, {});
  of.in_doubt.insert(of.in_doubt.begin() + place, count, false);
  of.can_filter.insert(of.can_filter.begin() + place, count, false);
  of.unordered.insert(of.unordered.begin() + place, count, false);
  of.inputs.insert(of.inputs.begin() + place, count, {});
  std::vector<std::unique_ptr<transform>> transforms(of.transforms.size() + count);
  for (std::size_t i = 0; i < of.transforms.size(); ++i)
    transforms[i < at ? i : i + count] = std::move(of.transforms[i]);
  of.transforms = std::move(transforms);
  for (auto& inputs : of.inputs)
    for (auto& input : inputs)
      if (static_cast<std::size_t>(input.unit) >= at) input.unit += static_cast<int>(count);
}

}  // namespace

bool is_expanded(const unit_definition& unit) {
  if (unit.faulty) return false;
  return (unit.role == unit_role::transform && unit.component == "sql") || has_grouping_sets(unit);
}

void expand_unit(draft& of, std::size_t at, diagnostics& faults) {
  auto& unit = of.made.units[at];
  const auto written = unit.definition;
  const bool statement = written.component == "sql";
  unit.definition.faulty = true;  // until it is known to be good
  if ((statement && any_unknown(unit)) || !of.missing[at].empty()) return;
  if (unit.rejects_port) {
    faults.push_back(unit_fault(
        written, {}, "not_supported_yet",
        "the rejects of a unit with " + std::string(statement ? "sql" : "grouping sets") + " can't be read by a unit",
        "read the run's rejects with sluice rejects, or write the operations as units"));
    return;
  }
  const auto before = faults.size();
  sql::lowered lowered;
  if (statement) {
    if (auto found = sql::lower(written, unit.inputs, faults)) lowered = *std::move(found);
  } else {
    lowered.units = split_by_sets(written, faults);
  }
  for (auto one = faults.begin() + static_cast<std::ptrdiff_t>(before); one != faults.end(); ++one) {
    one->where = "unit " + written.name;
    one->path = unit_path(written) + one->path;
  }
  if (lowered.units.empty()) return;
  auto& made = lowered.units;
  const auto references = of.inputs[at];
  insert_units(of, at, made.size() - 1);
  std::map<std::string, input_reference> known;
  for (std::size_t i = 0; i < written.from.size(); ++i) known[written.from[i]] = references[i];
  for (std::size_t i = 0; i < made.size(); ++i) {
    const auto place = at + i;
    auto& target = of.made.units[place];
    std::vector<input_reference> inputs;
    for (const auto& from : made[i].from) inputs.push_back(known.at(from));
    known[made[i].name] = {.unit = static_cast<int>(place), .port = {}};
    of.expanded.owner[made[i].name] = {.unit = written.name, .statement = statement};
    target.definition = std::move(made[i]);
    target.policy = target.definition.policy.value_or(on_error::fail);
    of.inputs[place] = std::move(inputs);
  }
  of.made.units[at + made.size() - 1].inputs.clear();
  for (auto& [path, text] : lowered.texts) of.expanded.texts[path] = std::move(text);
  if (written.parallelism.value_or(1) > 1)
    of.made.warnings.push_back(unit_fault(written, "/parallelism", "not_parallel",
                                          written.component + " runs as one instance of each operation here"));
}

namespace {

void point_at_statement(const expanded_units& expanded, const std::string& before, const std::string& rest,
                        error& fault) {
  // The last unit has the name of the one that was written: what already points there stays.
  if (rest.starts_with("/sql") || rest.starts_with("/parallelism")) return;
  const auto text = expanded.texts.find(fault.path);
  fault.offset = text == expanded.texts.end() ? 0 : text->second.origin_of(fault.offset.value_or(0));
  fault.path = before + "/sql";
}

}  // namespace

void point_into_statements(const expanded_units& expanded, diagnostics& faults) {
  if (expanded.owner.empty()) return;
  constexpr std::string_view section = "/transform/";
  for (auto& fault : faults) {
    if (!fault.path.starts_with(section)) continue;
    const auto end = std::min(fault.path.find('/', section.size()), fault.path.size());
    const auto owner = expanded.owner.find(fault.path.substr(section.size(), end - section.size()));
    if (owner == expanded.owner.end()) continue;
    auto rest = fault.path.substr(end);
    const auto before = std::string(section) + owner->second.unit;
    if (owner->second.statement) {
      point_at_statement(expanded, before, rest, fault);
    } else {
      if (rest.starts_with("/steps/")) rest = rest.substr(std::min(rest.find('/', 7), rest.size()));
      fault.path = before + rest;
    }
    const auto more = fault.where.find(", ");
    fault.where = "unit " + owner->second.unit + (more == std::string::npos ? "" : fault.where.substr(more));
  }
  diagnostics once;
  for (auto& fault : faults) {
    const bool known = std::any_of(once.begin(), once.end(), [&](const error& other) {
      return other.code == fault.code && other.path == fault.path && other.offset == fault.offset &&
             other.message == fault.message;
    });
    if (!known) once.push_back(std::move(fault));
  }
  faults = std::move(once);
}

}  // namespace sluice
