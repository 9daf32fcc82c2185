#include "engine/plan/event_time.hpp"

#include "engine/component/shifts_time.hpp"
#include "engine/error/names.hpp"
#include "engine/operators/windows/event_times.hpp"
#include "engine/values/types.hpp"
#include "engine/values/unknown_columns.hpp"

#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice {

std::optional<event_time> source_time(const planned_unit& unit, diagnostics& faults) {
  const auto& rule = unit.definition.time;
  if (rule.column.empty()) return {};
  const auto& all = *unit.resolved;
  const auto field = all.GetFieldByName(rule.column);
  if (!field) {
    const auto near = nearest_name(rule.column, all.field_names());
    faults.push_back(unit_fault(unit.definition, "/time/column", "unknown_column",
                                "the source has no column " + rule.column,
                                near.empty() ? "its columns are " + schema_text(all) : "did you mean `" + near + "`?"));
    return {};
  }
  if (is_unknown(*field->type())) return {};
  if (!windows::is_event_time(*field->type())) {
    faults.push_back(
        unit_fault(unit.definition, "/time/column", "type_mismatch",
                   "time needs a timestamp or timestamptz, and " + rule.column + " is " + type_name(*field->type()),
                   "give its type: types: { " + rule.column + ": timestamptz }"));
    return {};
  }
  const auto& read = unit.outputs.front().schema;
  if (!read->GetFieldByName(rule.column)) return {};
  return event_time{.column = rule.column};
}

void choose_timed_edges(draft& of) {
  const auto& units = of.made.units;
  std::vector<bool> needed(units.size(), false);
  for (std::size_t at = 0; at < units.size(); ++at)
    needed[at] = of.transforms[at] != nullptr && of.transforms[at]->needs_watermarks();
  for (std::size_t at = units.size(); at-- > 0;) {
    for (auto& edge : of.made.edges) {
      if (edge.to_unit != static_cast<int>(at)) continue;
      const auto* const shifts = dynamic_cast<const shifts_time*>(of.transforms[at].get());
      edge.timed = needed[at] && units[at].inputs[static_cast<std::size_t>(edge.to_input)].time.has_value() &&
                   (shifts == nullptr || shifts->reads_time(edge.to_input));
      if (edge.timed) needed[static_cast<std::size_t>(edge.from_unit)] = true;
    }
  }
}

namespace {

bool emits_again(const unit_definition& unit) {
  if (unit.component != "aggregate" || !unit.own.is_object() || !unit.own.contains("window")) return false;
  const auto& window = unit.own["window"];
  return window.is_object() && window.contains("allowed_lateness") && !window["allowed_lateness"].is_null() &&
         window["allowed_lateness"] != "0s";
}

/// Each row goes on by itself: what is emitted again goes on again as it is.
bool is_row_by_row(const unit_definition& unit) {
  static constexpr std::array<std::string_view, 7> all = {"cast",   "derive", "drop",  "filter",
                                                          "rename", "route",  "select"};
  return std::find(all.begin(), all.end(), unit.component) != all.end();
}

/// Whether a sink takes rows again whose values have changed: in a topic a later message of a key stands for the key.
bool takes_corrections(const unit_definition& sink) {
  if (sink.mode == "upsert" || sink.mode == "merge") return true;
  return sink.component == "kafka" && sink.own.is_object() && sink.own.contains("key") && !sink.own["key"].is_null();
}

void check_below(const draft& of, std::size_t window, std::size_t at, diagnostics& faults) {
  const auto& units = of.made.units;
  for (std::size_t below = 0; below < units.size(); ++below)
    for (std::size_t input = 0; input < of.inputs[below].size(); ++input) {
      const auto& from = of.inputs[below][input];
      if (static_cast<std::size_t>(from.unit) != at || from.port == rejects_port_name ||
          (at == window && !from.port.empty()))
        continue;
      const auto& unit = units[below].definition;
      if (unit.role == unit_role::load ? takes_corrections(unit) : is_row_by_row(unit)) {
        check_below(of, window, below, faults);
        continue;
      }
      faults.push_back(unit_fault(units[window].definition, "/aggregate/window/allowed_lateness", "needs_upsert",
                                  "allowed_lateness emits a window again when late rows come, and " + unit.name +
                                      (unit.role == unit_role::load ? " would load it twice"
                                                                    : " (" + unit.component + ") would count it twice"),
                                  "load with mode: upsert and a key with window_start; or remove allowed_lateness and "
                                  "raise out_of_order in the "
                                  "source, which emits windows later, but once"));
      return;
    }
}

}  // namespace

void check_corrections(const draft& of, diagnostics& faults) {
  for (std::size_t at = 0; at < of.made.units.size(); ++at)
    if (emits_again(of.made.units[at].definition)) check_below(of, at, at, faults);
}

}  // namespace sluice
