#include "engine/plan/prune.hpp"

#include "engine/columns/language_columns.hpp"

#include <arrow/type.h>

#include <optional>
#include <set>

namespace sluice {

namespace {

using columns = std::set<std::string>;

columns all_of(const arrow::Schema& schema) {
  const auto names = schema.field_names();
  return {names.begin(), names.end()};
}

/// The column that is cheapest to read, where a count is all that is wanted.
std::string cheapest(const arrow::Schema& schema) {
  int best = 0;
  int best_width = 1 << 20;
  for (int at = 0; at < schema.num_fields(); ++at) {
    const int bits = schema.field(at)->type()->bit_width();
    const int width = unreadable(*schema.field(at)) ? 1 << 18 : bits > 0 ? bits : 1 << 16;
    if (width < best_width) {
      best_width = width;
      best = at;
    }
  }
  return schema.field(best)->name();
}

}  // namespace

std::vector<std::vector<std::string>> needed_columns(const draft& of) {
  const auto& units = of.made.units;
  std::vector<columns> wanted(units.size());
  for (std::size_t at = units.size(); at-- > 0;) {
    const auto& unit = units[at];
    for (std::size_t input = 0; input < of.inputs[at].size(); ++input) {
      const auto& reference = of.inputs[at][input];
      if (reference.port == rejects_port_name) continue;
      std::optional<std::vector<std::string>> required;
      // A reject shows the record as it entered the unit: all of it.
      if (of.transforms[at] != nullptr && unit.policy != on_error::reject)
        required = of.transforms[at]->required_columns(static_cast<int>(input), {wanted[at].begin(), wanted[at].end()});
      auto& above = wanted[static_cast<std::size_t>(reference.unit)];
      if (required)
        above.insert(required->begin(), required->end());
      else
        above.merge(all_of(*unit.inputs[input].schema));
    }
  }
  std::vector<std::vector<std::string>> needed(units.size());
  for (std::size_t at = 0; at < units.size(); ++at) {
    if (units[at].definition.role != unit_role::extract) continue;
    const auto& schema = *units[at].outputs.front().schema;
    for (const auto& name : schema.field_names())
      if (wanted[at].contains(name)) needed[at].push_back(name);
    if (needed[at].empty() && schema.num_fields() > 0) needed[at].push_back(cheapest(schema));
    if (needed[at].size() == static_cast<std::size_t>(schema.num_fields())) needed[at].clear();
  }
  return needed;
}

}  // namespace sluice
