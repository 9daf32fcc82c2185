#include "engine/columns/language_columns.hpp"
#include "engine/component/takes_filter.hpp"
#include "engine/error/names.hpp"
#include "engine/error/remarks.hpp"
#include "engine/files/folder_source.hpp"
#include "engine/operators/windows/event_times.hpp"
#include "engine/plan/checkpoints.hpp"
#include "engine/plan/edges.hpp"
#include "engine/plan/event_time.hpp"
#include "engine/plan/instances.hpp"
#include "engine/plan/named_fields.hpp"
#include "engine/plan/plan.hpp"
#include "engine/plan/prune.hpp"
#include "engine/plan/push_filters.hpp"
#include "engine/plan/reading.hpp"
#include "engine/plan/refresh.hpp"
#include "engine/plan/unit_graph.hpp"
#include "engine/secrets/known_secrets.hpp"
#include "engine/secrets/mask.hpp"
#include "engine/secrets/reveal.hpp"
#include "engine/values/unknown_columns.hpp"

#include <arrow/type.h>

#include <algorithm>

namespace sluice {

namespace {

/// Puts the units into topological order and numbers the sources.
draft lay_out(pipeline definition, const unit_graph& graph) {
  draft of;
  std::vector<int> place(definition.units.size(), -1);
  std::vector<std::uint32_t> numbers(definition.units.size(), 0);
  std::uint32_t next_source = 0;
  for (std::size_t at = 0; at < definition.units.size(); ++at)
    if (definition.units[at].role == unit_role::extract) numbers[at] = next_source++;
  for (const int at : graph.order) {
    const auto index = static_cast<std::size_t>(at);
    place[index] = static_cast<int>(of.made.units.size());
    planned_unit unit;
    unit.definition = definition.units[index];
    unit.policy =
        unit.definition.policy.value_or(unit.definition.role == unit_role::extract ? on_error::reject : on_error::fail);
    unit.source_number = numbers[index];
    of.made.units.push_back(std::move(unit));
    auto inputs = graph.inputs[index];
    for (auto& input : inputs) input.unit = place[static_cast<std::size_t>(input.unit)];
    of.inputs.push_back(std::move(inputs));
    of.missing.push_back(graph.missing[index]);
  }
  of.transforms.resize(of.made.units.size());
  of.in_doubt.assign(of.made.units.size(), false);
  of.can_filter.assign(of.made.units.size(), false);
  of.unordered.assign(of.made.units.size(), false);
  of.made.definition = std::move(definition);
  return of;
}

/// Says which units have their rejects read, and refuses that for those that never reject.
void open_rejects_ports(draft& of, diagnostics& faults) {
  for (std::size_t at = 0; at < of.inputs.size(); ++at)
    for (std::size_t input = 0; input < of.inputs[at].size(); ++input) {
      if (of.inputs[at][input].port != rejects_port_name) continue;
      auto& sender = of.made.units[static_cast<std::size_t>(of.inputs[at][input].unit)];
      sender.rejects_port = 0;  // its place is known once the unit is bound
      if (sender.policy == on_error::reject) continue;
      faults.push_back(unit_fault(of.made.units[at].definition, "/from/" + std::to_string(input), "no_rejects",
                                  sender.definition.name + " rejects no rows: a row with an error " +
                                      (sender.policy == on_error::fail ? "fails the run" : "is loaded with a null"),
                                  "set on_error: reject in " + sender.definition.name));
    }
}

void note_read_ports(draft& of) {
  for (const auto& inputs : of.inputs)
    for (const auto& input : inputs)
      if (!input.port.empty() && input.port != rejects_port_name)
        of.made.units[static_cast<std::size_t>(input.unit)].read_ports.push_back(input.port);
}

/// Binds the units one after the other to the schemas of those above them. A unit with faults gives what can be told of
/// its columns, so that those below are looked at as well.
class binder {
 public:
  binder(draft& of, const run_context& context, diagnostics& faults, const remembered_sources& remembered = {})
      : of_(of), context_(context), faults_(faults), remembered_(remembered) {}

  void bind_all(bool pruned) {
    for (std::size_t at = 0; at < of_.made.units.size(); ++at) {
      const auto before = faults_.size();
      if (!pruned && is_expanded(of_.made.units[at].definition)) {
        of_.made.units[at].inputs.clear();
        add_inputs(at);
        expand_unit(of_, at, faults_);
      }
      of_.in_doubt[at] = !bind(at, pruned);
      if (of_.in_doubt[at]) stand_in_for(at);
      auto remarks = take_remarks(faults_, before);
      // Said the first time.
      if (pruned) std::erase_if(remarks, [](const error& one) { return one.code == "unset_secret"; });
      remarks_.insert(remarks_.end(), remarks.begin(), remarks.end());
      name_types(faults_, before, remarks_);
    }
    point_into_statements(of_.expanded, faults_);
    secrets::mask(faults_);
    const auto merged = secrets::masked(merged_remarks(remarks_));
    of_.made.warnings.insert(of_.made.warnings.end(), merged.begin(), merged.end());
  }

 private:
  /// False where the unit has faults, here or as it was read.
  bool bind(std::size_t at, bool pruned) {
    auto& unit = of_.made.units[at];
    unit.inputs.clear();
    unit.outputs.clear();
    add_inputs(at);
    for (const auto& input : of_.inputs[at])
      unit.endless = unit.endless || of_.made.units[static_cast<std::size_t>(input.unit)].endless;
    if (unit.definition.faulty) return false;
    switch (unit.definition.role) {
      case unit_role::extract: {
        const auto untyped = take_untyped(unit.definition.types);
        if (!pruned && !unit.resolved) add_named_fields(of_, at, context_);
        if (!pruned && !prepare_reading(unit, context_, remembered_, faults_)) return false;
        const auto made = instantiate_source(unit, context_, faults_);
        if (made == nullptr) return false;
        unit.outputs.push_back({"", without_folder_marks(made->schema())});
        unit.endless = !made->bounded();
        unit.stops = made->bounded() && !made->ends_for_good();
        if (!unit.resolved) unit.resolved = made->schema();
        if (!untyped.empty()) return hide_types(unit, untyped);
        const auto known_faults = faults_.size();
        unit.outputs.front().time = source_time(unit, faults_);
        if (faults_.size() > known_faults) return false;
        if (!pruned && !finish_reading(unit, *unit.resolved, context_, remembered_, faults_)) return false;
        of_.unordered[at] = !made->bounded() || made->splits_per_reader() > 1;
        of_.can_filter[at] = !unit.reading.mark && dynamic_cast<const takes_filter*>(made.get()) != nullptr;
        break;
      }
      case unit_role::transform: {
        const auto before = faults_.size();
        of_.transforms[at] = instantiate_transform(unit, pruned, context_, faults_);
        if (of_.transforms[at] == nullptr) return false;
        unit.outputs = of_.transforms[at]->outputs();
        for (auto& port : unit.outputs) port.time = windows::time_behind(*of_.transforms[at], unit.inputs, port);
        if (faults_.size() > before) return false;
        break;
      }
      case unit_role::load:
        if (!bind_sink(unit)) return false;
        break;
    }
    if (unit.rejects_port) {
      unit.rejects_port = static_cast<int>(unit.outputs.size());
      unit.outputs.push_back({rejects_port_name, rejects_schema()});
    }
    return true;
  }

  /// Looks at a sink's options, and at the columns as far as they are known.
  bool bind_sink(planned_unit& unit) {
    if (unit.inputs.empty()) return false;
    auto known = unit;
    const auto before = faults_.size();
    auto& schema = known.inputs.front().schema;
    const bool all = std::none_of(schema->fields().begin(), schema->fields().end(),
                                  [](const auto& field) { return is_unknown(*field->type()); });
    if (!all) schema = known_columns(*schema);
    const bool made = instantiate_sink(known, context_, faults_) != nullptr;
    if (all) return made || has_unset_secret(faults_, before);
    // What may only follow from the columns that are not known.
    const auto first = faults_.begin() + static_cast<std::ptrdiff_t>(before);
    const auto key = unit_path(unit.definition) + "/key";
    faults_.erase(
        std::remove_if(first, faults_.end(),
                       [&](const error& fault) { return fault.code == "no_columns" || fault.path.starts_with(key); }),
        faults_.end());
    return false;
  }

  /// Takes the columns out of `types` whose entry has a fault: it is null.
  static std::vector<std::string> take_untyped(options& types) {
    std::vector<std::string> untyped;
    if (!types.is_object()) return untyped;
    for (const auto& [name, type] : types.items())
      if (type.is_null()) untyped.push_back(name);
    for (const auto& name : untyped) types.erase(name);
    return untyped;
  }

  /// Makes the types of these columns unknown; false, for the unit has a fault.
  static bool hide_types(planned_unit& unit, const std::vector<std::string>& untyped) {
    auto fields = unit.outputs.front().schema->fields();
    for (auto& field : fields)
      if (std::find(untyped.begin(), untyped.end(), field->name()) != untyped.end())
        field = arrow::field(field->name(), unknown_type());
    unit.outputs.front().schema = arrow::schema(std::move(fields));
    return false;
  }

  /// Gives a unit with faults the outputs that can be told of it.
  void stand_in_for(std::size_t at) {
    auto& unit = of_.made.units[at];
    const auto& definition = unit.definition;
    if (!unit.outputs.empty() || definition.role == unit_role::load) return;
    unit.outputs.push_back({"", unknown_columns()});
  }

  /// All that `from` names, in its order; of a name that leads nowhere the columns are unknown.
  void add_inputs(std::size_t at) {
    auto& unit = of_.made.units[at];
    const auto& missing = of_.missing[at];
    std::size_t place = 0;
    const auto add_missing = [&] {
      for (; std::find(missing.begin(), missing.end(), place) != missing.end(); ++place)
        unit.inputs.push_back({unit_named(unit.definition.from[place]), unknown_columns()});
    };
    for (const auto& reference : of_.inputs[at]) {
      add_missing();
      if (!add_input(unit, reference, place))
        unit.inputs.push_back({unit_named(unit.definition.from[place]), unknown_columns()});
      ++place;
    }
    add_missing();
  }

  static std::string unit_named(const std::string& from) { return from.substr(0, from.find('.')); }

  /// False where the unit above has no such port, which is reported unless that unit is in doubt.
  bool add_input(planned_unit& unit, const input_reference& reference, std::size_t input) {
    const auto sender = static_cast<std::size_t>(reference.unit);
    const auto& above = of_.made.units[sender];
    std::vector<std::string> ports;
    for (const auto& port : above.outputs) {
      if (port.name == reference.port) {
        auto qualifier = above.definition.name;
        if (!reference.port.empty()) qualifier += "_" + reference.port;
        unit.inputs.push_back({std::move(qualifier), port.schema, port.time});
        return true;
      }
      if (!port.name.empty()) ports.push_back(port.name);
    }
    if (of_.in_doubt[sender]) return false;
    const auto path = "/from/" + std::to_string(input);
    if (reference.port.empty()) {
      faults_.push_back(unit_fault(
          unit.definition, path, "missing_port", above.definition.name + " has several outputs: " + joined(ports),
          "choose one: from: " + above.definition.name + "." + (ports.empty() ? "" : ports.front())));
      return false;
    }
    const auto near = nearest_name(reference.port, ports);
    auto fault =
        unit_fault(unit.definition, path, "unknown_port", above.definition.name + " has no output " + reference.port,
                   !near.empty()   ? "did you mean `" + above.definition.name + "." + near + "`?"
                   : ports.empty() ? "from: " + above.definition.name
                                   : "its outputs are " + joined(ports));
    fault.offset = above.definition.name.size() + 1;
    faults_.push_back(std::move(fault));
    return false;
  }

  draft& of_;
  const run_context& context_;
  diagnostics& faults_;
  remembered_sources remembered_;
  diagnostics remarks_;  ///< of sources on their files
};

/// Binds once more with the columns that nobody reads left out. What the sinks get must stay the same; where a
/// component can't do without a column that it did not ask for, all are read.
void leave_out_columns(draft& of, const run_context& context) {
  auto needed = needed_columns(of);
  if (std::all_of(needed.begin(), needed.end(), [](const auto& one) { return one.empty(); })) return;
  draft pruned;
  pruned.made = of.made;
  pruned.inputs = of.inputs;
  pruned.missing = of.missing;
  pruned.transforms.resize(of.transforms.size());
  pruned.in_doubt.assign(of.in_doubt.size(), false);
  pruned.can_filter = of.can_filter;
  pruned.expanded = of.expanded;
  pruned.unordered = of.unordered;
  for (std::size_t at = 0; at < needed.size(); ++at) pruned.made.units[at].needed = std::move(needed[at]);
  diagnostics faults;
  binder(pruned, context, faults).bind_all(true);
  if (!faults.empty()) return;
  for (std::size_t at = 0; at < of.made.units.size(); ++at) {
    const auto& unit = of.made.units[at];
    if (unit.definition.role == unit_role::load &&
        !pruned.made.units[at].inputs.front().schema->Equals(*unit.inputs.front().schema))
      return;
  }
  of = std::move(pruned);
}

/// Columns that a source can't read are refused where they are used.
void check_readable(const draft& of, diagnostics& faults) {
  for (const auto& unit : of.made.units) {
    if (unit.definition.role != unit_role::extract) continue;
    for (const auto& field : unit.resolved->fields()) {
      const bool used =
          unit.needed.empty() || std::find(unit.needed.begin(), unit.needed.end(), field->name()) != unit.needed.end();
      const auto why = unreadable(*field);
      if (!used || !why) continue;
      faults.push_back(unit_fault(unit.definition, "/" + unit.definition.component, "unsupported_type", *why,
                                  "leave it out: list the others in columns: [...], or drop it with select"));
    }
  }
}

/// A sink that replaces its target would keep only the rows that were new in the last run, or none.
void check_targets(const draft& of, diagnostics& faults) {
  std::vector<std::string> source_of(of.inputs.size());  // an incremental source above each unit
  for (std::size_t at = 0; at < of.inputs.size(); ++at) {
    const auto& definition = of.made.units[at].definition;
    if (definition.incremental.by != incremental_rule::way::none) source_of[at] = definition.name;
    for (const auto& input : of.inputs[at])
      if (const auto& above = source_of[static_cast<std::size_t>(input.unit)]; !above.empty()) source_of[at] = above;
    if (definition.role != unit_role::load || source_of[at].empty()) continue;
    if (definition.mode == "scd2" && definition.own.is_object() &&
        definition.own.value("scd2", options::object()).value("gone", "keep") == "close")
      faults.push_back(unit_fault(definition, "/scd2", "replaces_increment",
                                  "gone: close below the incremental source " + source_of[at] +
                                      ": each run would close all keys but those that are new",
                                  "write gone: keep, or read the whole extract"));
    if (definition.mode != "replace") continue;
    const auto* sink = find_component(component_kind::sink, definition.component);
    if (sink == nullptr || sink->spec.modes.size() < 2) continue;  // keeps nothing
    std::vector<std::string> others;
    for (const auto& mode : sink->spec.modes)
      if (!mode.empty() && mode != "replace") others.push_back(mode);
    faults.push_back(
        unit_fault(definition, {}, "replaces_increment",
                   "mode: replace below the incremental source " + source_of[at] +
                       ": each run would replace the target with only the new rows, even if there are none",
                   "use one of these modes: " + joined(others) +
                       (sink->spec.modes.front() == "replace"
                            ? "; with error, use a param in the path so that each run writes its own file"
                            : "")));
  }
}

/// Names the secrets that are too short to be masked.
void check_secrets(draft& of) {
  const auto* known = secrets::known();
  if (known == nullptr) return;
  std::vector<std::string> told;
  for (const auto& unit : of.made.units)
    for (const auto& name : secrets_of(unit.definition.own)) {
      const auto found = known->values.find(name);
      if (found == known->values.end() || found->second.size() >= secrets::shortest_masked) continue;
      if (std::find(told.begin(), told.end(), name) != told.end()) continue;
      told.push_back(name);
      of.made.warnings.push_back(unit_fault(unit.definition, {}, "short_secret",
                                            "the secret " + name + " has fewer than " +
                                                std::to_string(secrets::shortest_masked) +
                                                " bytes: it can't be masked in messages and events",
                                            "take a longer one"));
    }
}

/// Warns of outputs whose rows go nowhere: the user's own rule, but easily a slip.
void check_ports(draft& of) {
  for (std::size_t at = 0; at < of.made.units.size(); ++at) {
    const auto& unit = of.made.units[at];
    for (const auto& port : unit.outputs) {
      if (port.name.empty() || port.name == rejects_port_name) continue;
      if (std::find(unit.read_ports.begin(), unit.read_ports.end(), port.name) != unit.read_ports.end()) continue;
      of.made.warnings.push_back(
          unit_fault(unit.definition, {}, "unread_port",
                     "no unit reads " + unit.definition.name + "." + port.name + ": its rows are discarded",
                     "add a load with from: " + unit.definition.name + "." + port.name));
    }
  }
}

/// Ports whose columns are not all known are left out: no plan holds the type of such a column.
void leave_out_unknown_columns(plan& made) {
  const auto unknown = [](const auto& port) {
    return std::any_of(port.schema->fields().begin(), port.schema->fields().end(),
                       [](const auto& field) { return is_unknown(*field->type()); });
  };
  for (auto& unit : made.units) {
    std::erase_if(unit.outputs, unknown);
    std::erase_if(unit.inputs, unknown);
  }
}

}  // namespace

std::optional<plan> make_plan(pipeline definition, const run_context& context, diagnostics& faults,
                              const remembered_sources& remembered) {
  const auto graph = resolve_units(definition, faults);
  if (definition.units.empty() && faults.empty())
    faults.push_back(user_error("empty_pipeline", "the pipeline has no units", "add extract: and load:"));
  auto of = lay_out(std::move(definition), graph);
  open_rejects_ports(of, faults);
  note_read_ports(of);
  check_targets(of, faults);
  binder(of, context, faults, remembered).bind_all(false);
  choose_parallelism(of, faults);
  check_corrections(of, faults);
  point_into_statements(of.expanded, faults);
  if (!faults.empty()) return {};
  check_secrets(of);
  // Without a secret (`optional_secrets`) the columns of some units are not known: this plan is only looked at.
  if (std::find(of.in_doubt.begin(), of.in_doubt.end(), true) != of.in_doubt.end()) {
    leave_out_unknown_columns(of.made);
    return std::move(of.made);
  }
  leave_out_columns(of, context);
  check_readable(of, faults);
  check_checkpoints(of, context, faults);
  point_into_statements(of.expanded, faults);
  if (!faults.empty()) return {};
  push_filters(of, context);
  choose_positions(of);
  connect(of);
  choose_timed_edges(of);
  choose_refreshes(of, faults);
  point_into_statements(of.expanded, faults);
  if (!faults.empty()) return {};
  check_ports(of);
  point_into_statements(of.expanded, of.made.warnings);
  return std::move(of.made);
}

}  // namespace sluice
