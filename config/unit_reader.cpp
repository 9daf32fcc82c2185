#include "config/unit_reader.hpp"

#include "config/not_supported_yet.hpp"
#include "config/option_reader.hpp"
#include "engine/names.hpp"

#include <algorithm>
#include <cctype>

namespace sluice::config {

namespace {

const std::vector<std::string> shared_keys = {"description", "on_error", "parallelism", "place", "retry", "timeout"};

component_kind kind_of(unit_role role) {
  if (role == unit_role::extract) return component_kind::source;
  return role == unit_role::transform ? component_kind::transform : component_kind::sink;
}

place_of_form place_of(unit_role role) {
  if (role == unit_role::extract) return place_of_form::extract;
  return role == unit_role::transform ? place_of_form::transform : place_of_form::load;
}

const char* word_for(unit_role role) {
  if (role == unit_role::extract) return "source";
  return role == unit_role::transform ? "transform" : "sink";
}

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

bool is_identifier(const std::string& text) {
  if (text.empty() || (std::isalpha(static_cast<unsigned char>(text.front())) == 0 && text.front() != '_'))
    return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

bool refuse_unsupported(const reading& in, place_of_form place, const node& key, const node& value) {
  const auto* form = find_unsupported(place, key.text, value.is_scalar() ? value.text : std::string());
  if (form == nullptr) return false;
  const auto what = form->value.empty() ? key.text : key.text + ": " + form->value;
  in.fault(form->value.empty() ? key : value, "not_supported_yet", what + " is not supported yet", "remove it");
  return true;
}

}  // namespace

std::vector<std::string> unit_keys(unit_role role) {
  auto keys = shared_keys;
  const auto add = [&](std::initializer_list<const char*> more) { keys.insert(keys.end(), more.begin(), more.end()); };
  if (role == unit_role::extract) add({"types", "columns", "sample", "contract", "metadata", "incremental", "order"});
  if (role == unit_role::transform) add({"from"});
  if (role == unit_role::load) add({"from", "mode", "key", "when_down", "commit"});
  return keys;
}

unit_reader::unit_reader(const document& source, diagnostics& faults, const node* defaults)
    : source_(source), faults_(faults) {
  if (defaults == nullptr || defaults->is_null() || defaults->broken) return;
  const reading in{source, faults, "defaults"};
  if (!defaults->is_map()) {
    in.fault(*defaults, "invalid_value",
             "defaults must be a map of keys that units share, found " + describe(*defaults));
    return;
  }
  for (const auto& [key, value] : defaults->entries) {
    if (refuse_unsupported(in, place_of_form::unit, key, value)) continue;
    if (!read_shared(in, key, value, defaults_)) in.unknown_key(key, "defaults", shared_keys);
  }
}

unit_definition unit_reader::read(unit_role role, const node& name, const node& value) {
  const reading in{source_, faults_, "unit " + name.text};
  const auto before = faults_.size();
  if (!is_identifier(name.text))
    in.fault(name, "invalid_name", "a unit's name has letters, digits and _, and begins with none of the digits",
             "expressions use it as a qualifier: " + std::string("orders.amount"));
  auto unit = defaults_;
  unit.role = role;
  unit.name = name.text;
  unit.faulty = true;
  if (value.broken) return unit;
  if (!value.is_map()) {
    in.fault(value.is_null() ? name : value, "invalid_value",
             "a unit is a map with one component, found " + describe(value));
    return unit;
  }
  if (role == unit_role::load) unit.parallelism.reset();  // sinks write alone; the default is meant for the others
  const auto keys = unit_keys(role);
  for (const auto& [key, held] : value.entries) {
    if (refuse_unsupported(in, place_of_form::unit, key, held)) continue;
    if (refuse_unsupported(in, place_of(role), key, held)) continue;
    if (!contains(keys, key.text)) continue;
    if (held.is_null()) {
      in.fault(key, "invalid_value", key.text + " has no value", "give a value or remove the key");
      continue;
    }
    if (key.text == "from") {
      if (auto names = read_texts(in, held, "from")) unit.from = *std::move(names);
      if (held.is_sequence() && held.items.empty()) in.fault(held, "missing_value", "from names no unit");
      continue;
    }
    if (!read_shared(in, key, held, unit) && !read_source_key(in, key, held, unit)) read_sink_key(in, key, held, unit);
  }
  if (role != unit_role::extract && value.find("from") == nullptr)
    in.fault(name, "missing_key", std::string("a ") + word_for(role) + " needs from: the unit that it reads",
             "from: unit, from: unit.port, or from: [unit, unit]");
  if (const auto by = choose(in, name, value, role); by.key != nullptr) {
    read_component(in, by, unit);
    if (role == unit_role::load && by.found != nullptr) check_sink(in, *by.key, value, *by.found, unit);
  }
  unit.faulty = faults_.size() > before;
  return unit;
}

bool unit_reader::read_shared(const reading& in, const node& key, const node& value, unit_definition& unit) {
  if (key.text == "description") {
    if (auto text = read_text(in, value, "description")) unit.description = *std::move(text);
  } else if (key.text == "on_error") {
    const auto policy = read_choice(in, value, "on_error", {"reject", "set_null", "fail"});
    if (policy)
      unit.policy = *policy == "reject" ? on_error::reject : *policy == "fail" ? on_error::fail : on_error::set_null;
  } else if (key.text == "parallelism") {
    const auto number = read_integer(in, value, "parallelism", 1);
    if (number && *number > 1024)
      in.fault(value, "invalid_value", "parallelism must be at most 1024, found " + value.text);
    else if (number)
      unit.parallelism = static_cast<int>(*number);
  } else if (key.text == "place") {
    read_place(in, value, unit);
  } else {
    return false;
  }
  return true;
}

void unit_reader::read_place(const reading& in, const node& value, unit_definition& unit) {
  if (value.broken) return;
  if (!value.is_map()) {
    in.fault(value, "invalid_value",
             "place must be { node: NAME } or { labels: { NAME: VALUE } }, found " + describe(value));
    return;
  }
  unit.place = {};
  for (const auto& [key, held] : value.entries) {
    if (key.text == "node") {
      if (auto text = read_text(in, held, "node")) unit.place.node = *std::move(text);
    } else if (key.text == "labels" && held.is_map()) {
      for (const auto& [label, text] : held.entries)
        if (auto read = read_text(in, text, "label " + label.text)) unit.place.labels[label.text] = *std::move(read);
    } else if (key.text == "labels") {
      in.fault(held, "invalid_value", "labels must be a map, found " + describe(held));
    } else {
      in.unknown_key(key, "place", {"node", "labels"});
    }
  }
}

bool unit_reader::read_source_key(const reading& in, const node& key, const node& value, unit_definition& unit) {
  static const field_spec types{
      .form = shape::map,
      .elements = {
          {.form = shape::one_of,
           .elements = {{.form = shape::type},
                        {.form = shape::object,
                         .elements = {{.name = "type", .form = shape::type, .required = true},
                                      {.name = "formats", .form = shape::list, .elements = {{.form = shape::text}}},
                                      {.name = "decimal", .form = shape::text},
                                      {.name = "thousands", .form = shape::text}}}}}}};
  static const field_spec metadata{.form = shape::map, .elements = {{.form = shape::text, .choices = {"path", "row"}}}};
  if (key.text == "types") {
    if (auto read = read_options(in, value, types, "types")) unit.types = *std::move(read);
  } else if (key.text == "metadata") {
    if (auto read = read_options(in, value, metadata, "metadata")) unit.metadata = *std::move(read);
  } else if (key.text == "columns") {
    if (auto names = read_texts(in, value, "columns")) unit.columns = *std::move(names);
  } else if (key.text == "sample") {
    unit.sample = read_integer(in, value, "sample", 1);
  } else if (key.text == "order") {
    unit.any_order = read_choice(in, value, "order", {"any", "keep"}) == "any";
  } else if (key.text == "contract") {
    read_contract(in, value, unit);
  } else if (key.text == "incremental") {
    read_incremental(in, value, unit);
  } else {
    return false;
  }
  return true;
}

void unit_reader::read_contract(const reading& in, const node& value, unit_definition& unit) {
  static const std::vector<std::string> words = {"evolve", "freeze", "discard", "quarantine"};
  const auto word = read_choice(in, value, "contract", words);
  if (!word) return;
  for (const auto rule :
       {column_contract::evolve, column_contract::freeze, column_contract::discard, column_contract::quarantine})
    if (*word == to_string(rule)) unit.contract = rule;
}

void unit_reader::read_incremental(const reading& in, const node& value, unit_definition& unit) {
  static const field_spec form{
      .form = shape::object,
      .elements = {
          {.name = "by", .form = shape::text, .choices = {"file", "column"}},
          {.name = "column", .form = shape::text},
          {.name = "changed", .form = shape::text, .default_value = "fail", .choices = {"fail", "read_again"}}}};
  constexpr const char* hint = "incremental: { by: file }, or { by: column, column: updated_at }";
  if (value.is_scalar()) {
    in.fault(value, "invalid_value", "incremental must be a map, found " + describe(value), hint);
    return;
  }
  const auto read = read_options(in, value, form, "incremental");
  if (!read) return;
  const auto text = [&](const char* name) {
    const auto found = read->find(name);
    return found == read->end() || !found->is_string() ? std::string() : found->get<std::string>();
  };
  auto& rule = unit.incremental;
  rule.column = text("column");
  const auto by = text("by").empty() && !rule.column.empty() ? std::string("column") : text("by");
  if (by.empty()) {
    in.fault(value, "missing_key", "incremental needs by: what tells new rows from those that were taken", hint);
  } else if (by == "column" && rule.column.empty()) {
    in.fault(value, "missing_key", "incremental by column needs column: the one whose values only grow", hint);
  } else if (by == "file" && !rule.column.empty()) {
    in.fault(*value.find("column"), "invalid_value", "column is used by: column only", "remove it, or set by: column");
  } else if (by == "column" && value.find("changed") != nullptr) {
    in.fault(*value.find("changed"), "invalid_value", "changed is used by: file only", "remove it");
  }
  rule.by = by == "file" ? incremental_rule::way::file : incremental_rule::way::column;
  rule.read_changed = text("changed") == "read_again";
}

bool unit_reader::read_sink_key(const reading& in, const node& key, const node& value, unit_definition& unit) {
  if (key.text == "mode") {
    if (auto text = read_text(in, value, "mode")) unit.mode = *std::move(text);
  } else if (key.text == "key") {
    if (auto names = read_texts(in, value, "key")) unit.key = *std::move(names);
  } else {
    return false;
  }
  return true;
}

unit_reader::chosen unit_reader::choose(const reading& in, const node& name, const node& value, unit_role role) {
  chosen by;
  const auto keys = unit_keys(role);
  std::vector<const std::pair<node, node>*> others;
  bool seen = false;
  for (const auto& entry : value.entries) {
    const auto& key = entry.first;
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
               role == unit_role::transform ? "put both into steps: [...], or into units of their own"
                                            : "put each into a unit of its own");
      continue;
    }
    seen = true;
    by = {&key, &entry.second, found};
  }
  const auto before = faults_.size();
  for (const auto* other : others) report_unknown(in, other->first, other->second, role, seen);
  if (!seen && faults_.size() == before)
    in.fault(name, "missing_component", std::string("the unit has no ") + word_for(role),
             "one of " + enumerate(component_names(kind_of(role))));
  if (seen && by.found == nullptr && by.key->text != "steps") {
    in.fault(*by.key, "not_supported_yet",
             std::string("the ") + word_for(role) + " " + by.key->text + " is not supported yet",
             "one of " + enumerate(component_names(kind_of(role))));
    by = {};
  }
  return by;
}

void unit_reader::report_unknown(const reading& in, const node& key, const node& value, unit_role role,
                                 bool has_component) {
  for (const auto other : {unit_role::extract, unit_role::transform, unit_role::load}) {
    if (other == role) continue;
    if (find_component(kind_of(other), key.text) != nullptr) {
      in.fault(key, "unknown_component", key.text + " is a " + word_for(other) + ", no " + word_for(role),
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

void unit_reader::read_component(const reading& in, const chosen& by, unit_definition& unit) {
  unit.component = by.key->text;
  if (unit.component == "steps") {
    if (auto own = read_steps(in, *by.key, *by.value)) unit.own = *std::move(own);
    return;
  }
  const auto& spec = by.found->spec.value;
  const bool nothing = by.value->is_null() && spec.form != shape::expression;
  auto own =
      nothing ? default_options(in, *by.key, spec, unit.component) : read_options(in, *by.value, spec, unit.component);
  if (own) unit.own = *std::move(own);
}

std::optional<options> unit_reader::read_steps(const reading& in, const node& key, const node& value) {
  if (value.broken) return {};
  if (!value.is_sequence() || value.items.empty()) {
    in.fault(value.is_null() ? key : value, "invalid_value",
             "steps must be a list of operations, found " + describe(value),
             "steps:\n    - filter: \"a > 1\"\n    - derive: { b: \"a + 1\" }");
    return {};
  }
  auto steps = options::array();
  bool whole = true;
  for (const auto& item : value.items) {
    whole = whole && !item.broken;
    if (item.broken) continue;
    if (!item.is_map() || item.entries.size() != 1) {
      in.fault(item, "invalid_value",
               "a step is one operation, found " +
                   (item.is_map() ? std::to_string(item.entries.size()) + " keys" : describe(item)),
               "begin each step with a dash: - filter: ...");
      whole = false;
      continue;
    }
    const auto& [name, held] = item.entries.front();
    const auto* found = name.text == "steps" ? nullptr : find_component(component_kind::transform, name.text);
    if (found == nullptr) {
      if (contains(planned_components(component_kind::transform), name.text))
        in.fault(name, "not_supported_yet", "the transform " + name.text + " is not supported yet");
      else
        in.fault(name, "unknown_component", "there is no transform " + name.text + " for a step",
                 suggest(name.text, component_names(component_kind::transform)));
      whole = false;
      continue;
    }
    auto own = held.is_null() ? default_options(in, name, found->spec.value, name.text)
                              : read_options(in, held, found->spec.value, name.text);
    whole = whole && own.has_value();
    if (own) steps.push_back(options{{name.text, *std::move(own)}});
  }
  if (!whole) return {};
  return steps;
}

void unit_reader::check_sink(const reading& in, const node& name, const node& value, const component& by,
                             unit_definition& unit) {
  const auto& modes = by.spec.modes;
  const auto* mode = value.find("mode");
  const auto* key = value.find("key");
  if (mode == nullptr && !modes.empty()) {
    unit.mode = modes.front();
    if (unit.mode.empty())
      in.fault(name, "missing_key", by.spec.name + " needs mode: what to do with the rows that the table holds",
               "mode: one of " + enumerate({modes.begin() + 1, modes.end()}));
  } else if (mode != nullptr && mode->is_scalar() && (mode->text.empty() || !contains(modes, mode->text))) {
    if (find_unsupported(place_of_form::load, "mode", mode->text) == nullptr) {
      std::vector<std::string> known;
      std::copy_if(modes.begin(), modes.end(), std::back_inserter(known), [](const auto& one) { return !one.empty(); });
      in.fault(*mode, "invalid_value", by.spec.name + " has no mode " + unit.mode,
               known.empty() ? "remove it" : suggest(unit.mode, known));
    }
    return;
  }
  if (unit.mode == "upsert" && key == nullptr)
    in.fault(mode != nullptr ? *mode : name, "missing_key", "mode: upsert needs key: the columns that identify a row",
             "key: [id]");
  if (key != nullptr && unit.mode != "upsert")
    in.fault(*key, "invalid_value", "key is used by mode: upsert only", "set mode: upsert, or remove key");
}

}  // namespace sluice::config
