#include "config/unit_component.hpp"

#include "config/option_reader.hpp"
#include "config/secret_places.hpp"
#include "config/unit_roles.hpp"
#include "engine/error/names.hpp"
#include "engine/error/not_yet.hpp"

#include <algorithm>

namespace sluice::config {

namespace {

std::vector<std::string> component_names(component_kind kind) {
  std::vector<std::string> names;
  for (const auto* one : components())
    if (one->spec.kind == kind) names.push_back(one->spec.name);
  if (kind == component_kind::transform && find_component(kind, "steps") == nullptr) names.emplace_back("steps");
  return names;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

void report_unknown(const reading& in, const node& key, const node& value, unit_role role, bool has_component) {
  for (const auto other : {unit_role::extract, unit_role::transform, unit_role::load}) {
    if (other == role) continue;
    if (find_component(kind_of(other), key.text) != nullptr) {
      in.fault(key, "unknown_component", key.text + " is a " + word_for(other) + ", not a " + word_for(role),
               "one of " + enumerate(component_names(kind_of(role))));
      return;
    }
    if (contains(unit_keys(other), key.text)) {
      in.fault(key, "unknown_key", key.text + " belongs to a " + word_for(other) + ", this is a " + word_for(role),
               "remove it");
      return;
    }
  }
  const auto components_known = component_names(kind_of(role));
  const bool near_key = !nearest_name(key.text, unit_keys(role)).empty();
  const bool near_component = !nearest_name(key.text, components_known).empty();
  if (has_component || (near_key && !near_component && !value.is_map())) {
    auto known = unit_keys(role);
    if (role == unit_role::transform && has_component && near_component) known = components_known;
    in.unknown_key(key, "a " + std::string(word_for(role)) + "'s unit", known);
    return;
  }
  in.fault(key, "unknown_component", "there is no " + std::string(word_for(role)) + " " + key.text,
           suggest(key.text, components_known));
}

std::optional<options> read_steps(const reading& in, const node& key, const node& value) {
  if (value.broken) return {};
  if (!value.is_sequence() || value.items.empty()) {
    in.fault(value.is_null() ? key : value, "invalid_value",
             "steps must be a list of operations, found " + describe(value),
             "steps:\n    - filter: \"a > 1\"\n    - derive: { b: \"a + 1\" }");
    return {};
  }
  auto steps = options::array();
  for (const auto& item : value.items) {
    steps.push_back(nullptr);
    if (item.broken) continue;
    if (!item.is_map() || item.entries.size() != 1) {
      in.fault(item, "invalid_value",
               "a step must be one operation, found " +
                   (item.is_map() ? std::to_string(item.entries.size()) + " keys" : describe(item)),
               "start each step with a dash: - filter: ...");
      continue;
    }
    const auto& [name, held] = item.entries.front();
    const auto* found = name.text == "steps" ? nullptr : find_component(component_kind::transform, name.text);
    if (found == nullptr) {
      if (contains(planned_components(component_kind::transform), name.text))
        in.fault(name, "not_supported_yet", "the transform " + name.text + " is not supported yet",
                 not_yet_hint(name.text));
      else
        in.fault(name, "unknown_component", "there is no transform " + name.text + " for a step",
                 suggest(name.text, component_names(component_kind::transform)));
      continue;
    }
    auto own = held.is_null() ? default_options(in, name, found->spec.value, name.text)
                              : read_options(in, held, found->spec.value, name.text);
    steps.back() = options{{name.text, own ? *std::move(own) : options()}};
  }
  return steps;
}

}  // namespace

chosen_component choose_component(const reading& in, const node& name, const node& value, unit_role role) {
  chosen_component by;
  const auto keys = unit_keys(role);
  std::vector<const node::entry*> others;
  bool seen = false;
  for (const auto& entry : value.entries) {
    const auto& key = entry.key;
    if (contains(keys, key.text)) continue;
    const auto* found = find_component(kind_of(role), key.text);
    const bool known = found != nullptr || (role == unit_role::transform && key.text == "steps") ||
                       contains(planned_components(kind_of(role)), key.text);
    if (!known) {
      others.push_back(&entry);
      continue;
    }
    if (by.key != nullptr) {
      in.fault(key, "two_components",
               std::string("a unit has one ") + word_for(role) + ", found " + by.key->text + " and " + key.text,
               role == unit_role::transform ? "put both into steps: [...], or into separate units"
                                            : "put each into its own unit");
      continue;
    }
    seen = true;
    by = {&key, &entry.value, found};
  }
  const auto before = in.faults.size();
  for (const auto* other : others) report_unknown(in, other->key, other->value, role, seen);
  if (!seen && in.faults.size() == before)
    in.fault(name, "missing_component", std::string("the unit has no ") + word_for(role),
             "one of " + enumerate(component_names(kind_of(role))));
  if (seen && by.found == nullptr && by.key->text != "steps") {
    in.fault(*by.key, "not_supported_yet",
             std::string("the ") + word_for(role) + " " + by.key->text + " is not supported yet",
             not_yet_hint(by.key->text));
    by = {};
  }
  return by;
}

bool read_component(const reading& in, const chosen_component& by, const connections& known, unit_definition& unit) {
  if (unit.role == unit_role::transform && refuse_secrets_in(in, *by.value, unit.component)) return false;
  if (const auto* keys = by.value->is_map() ? by.value->find("encryption") : nullptr;
      keys != nullptr && check_encryption_keys(in, *keys))
    return false;
  if (unit.component == "steps") {
    if (auto own = read_steps(in, *by.key, *by.value)) unit.own = *std::move(own);
    return !unit.own.is_null();
  }
  const auto& spec = by.found->spec.value;
  const bool nothing = by.value->is_null() && spec.form != shape::expression;
  auto own = nothing ? default_options(in, *by.key, spec, unit.component)
                     : known.read_component(in, *by.value, spec, unit.component);
  if (!own) return false;
  unit.own = *std::move(own);
  return true;
}

void check_sink(const reading& in, const node& name, const node& value, const component& by, unit_definition& unit) {
  const auto& modes = by.spec.modes;
  const auto* mode = value.find("mode");
  const auto* key = value.find("key");
  if (mode == nullptr && !modes.empty()) {
    unit.mode = modes.front();
    if (unit.mode.empty())
      in.fault(name, "missing_key", by.spec.name + " needs mode: what to do with rows that are already in the table",
               "use one of these modes: " + enumerate({modes.begin() + 1, modes.end()}));
  } else if (mode != nullptr && mode->is_scalar() && (mode->text.empty() || !contains(modes, mode->text))) {
    if (find_unsupported(place_of_form::load, "mode", mode->text) == nullptr) {
      std::vector<std::string> known;
      std::copy_if(modes.begin(), modes.end(), std::back_inserter(known), [](const auto& one) { return !one.empty(); });
      in.fault(*mode, "invalid_value", by.spec.name + " has no mode " + unit.mode,
               known.empty() ? "remove it" : suggest(unit.mode, known));
    }
    return;
  }
  const bool by_key = unit.mode == "upsert" || unit.mode == "merge" || unit.mode == "scd2";
  if (by_key && key == nullptr)
    in.fault(mode != nullptr ? *mode : name, "missing_key",
             "mode: " + unit.mode + " needs key: the columns that identify a row", "key: [id]");
  if (key != nullptr && !by_key)
    in.fault(*key, "invalid_value", "key can only be used with mode: upsert, merge or scd2",
             "set mode: upsert, or remove key");
  for (const auto* beside : {"merge", "scd2"})
    if (const auto* given = value.find(beside); given != nullptr && unit.mode != beside)
      in.fault(*given, "invalid_value", std::string(beside) + ": can only be used with mode: " + beside,
               std::string("set mode: ") + beside + ", or remove it");
}

}  // namespace sluice::config
