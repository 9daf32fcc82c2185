#include "config/unit_reader.hpp"

#include "config/not_supported_yet.hpp"
#include "config/option_reader.hpp"
#include "config/retry_reader.hpp"
#include "config/unit_component.hpp"
#include "config/unit_roles.hpp"
#include "config/when_down_reader.hpp"
#include "engine/component/connection_field.hpp"
#include "engine/error/not_yet.hpp"
#include "engine/operators/reconcile/reconciled_sink.hpp"
#include "engine/values/quantities.hpp"

#include <algorithm>
#include <cctype>

namespace sluice::config {

namespace {

bool is_identifier(const std::string& text) {
  if (text.empty() || (std::isalpha(static_cast<unsigned char>(text.front())) == 0 && text.front() != '_'))
    return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

bool refuse_unsupported(const reading& in, place_of_form place, const node& key, const node& value) {
  const auto* form = find_unsupported(place, key.text, value.is_scalar() ? value.text : std::string());
  if (form == nullptr) return false;
  const auto what = form->value.empty() ? key.text : key.text + ": " + form->value;
  in.fault(form->value.empty() ? key : value, "not_supported_yet", what + " is not supported yet",
           not_yet_hint(form->value.empty() ? key.text : form->value));
  return true;
}

}  // namespace

unit_reader::unit_reader(const document& source, diagnostics& faults, const node* defaults, const connections& known)
    : source_(source), faults_(faults), connections_(known) {
  if (defaults == nullptr || defaults->is_null() || defaults->broken) return;
  const reading in{source, faults, "defaults"};
  if (!defaults->is_map()) {
    in.fault(*defaults, "invalid_value", "defaults must be a map of keys for all units, found " + describe(*defaults));
    return;
  }
  for (const auto& [key, value] : defaults->entries) {
    if (refuse_unsupported(in, place_of_form::unit, key, value)) continue;
    if (!read_shared(in, key, value, defaults_, retry_)) in.unknown_key(key, "defaults", shared_keys());
  }
}

unit_definition unit_reader::read(unit_role role, const node& name, const node& value) {
  const reading in{source_, faults_, "unit " + name.text};
  if (!is_identifier(name.text))
    in.fault(name, "invalid_name", "a unit's name may contain letters, digits and _, and can't begin with a digit",
             "expressions use the name before a column: " + std::string("orders.amount"));
  auto unit = defaults_;
  unit.role = role;
  unit.name = name.text;
  unit.faulty = true;
  if (value.broken) return unit;
  if (!value.is_map()) {
    in.fault(value.is_null() ? name : value, "invalid_value",
             "a unit must be a map with one component, found " + describe(value));
    return unit;
  }
  if (role == unit_role::load) unit.parallelism.reset();  // sinks write alone; the default is meant for the others
  const auto keys = unit_keys(role);
  auto retry = retry_;
  bool usable = true;  // faults of keys that decide what the component does
  for (const auto& [key, held] : value.entries) {
    const auto before = faults_.size();
    const bool refused =
        refuse_unsupported(in, place_of_form::unit, key, held) || refuse_unsupported(in, place_of(role), key, held);
    if (refused || std::find(keys.begin(), keys.end(), key.text) == keys.end()) continue;
    if (held.is_null()) {
      in.fault(key, "invalid_value", key.text + " has no value", "set a value or remove the key");
    } else if (key.text == "from") {
      if (auto names = read_texts(in, held, "from")) unit.from = *std::move(names);
      if (held.is_sequence() && held.items.empty()) in.fault(held, "missing_value", "from: is empty");
    } else if (!read_shared(in, key, held, unit, retry) && !read_source_key(in, key, held, unit)) {
      read_sink_key(in, key, held, unit);
    }
    static const std::vector<std::string> harmless = {"description", "on_error", "parallelism",
                                                      "place",       "retry",    "types"};
    const bool hurts = faults_.size() > before || held.broken;
    if (hurts && std::find(harmless.begin(), harmless.end(), key.text) == harmless.end()) usable = false;
  }
  if (role != unit_role::extract && value.find("from") == nullptr) {
    in.fault(name, "missing_key", std::string("a ") + word_for(role) + " needs from: the unit that it reads",
             "from: unit, from: unit.port, or from: [unit, unit]");
    usable = false;
  }
  if (const auto by = choose_component(in, name, value, role); by.key != nullptr) {
    unit.component = by.key->text;
    usable = read_component(in, by, connections_, unit) && usable;
    const auto before = faults_.size();
    if (role == unit_role::load && by.found != nullptr) check_sink(in, *by.key, value, *by.found, unit);
    const auto* const connection = by.found == nullptr ? nullptr : connection_of(by.found->spec.value);
    const bool connects = connection != nullptr && connects_again(*connection);
    if (const auto* given = value.find("when_down"); given != nullptr && role == unit_role::load && by.found != nullptr)
      read_when_down(in, *given, unit, retry);
    if (connects && unit.own.is_object()) unit.own["retry"] = retry_to_options(retry);
    if (role == unit_role::load) read_history_rules(in, value, unit);
    if (const auto* given = role == unit_role::load ? value.find("reconcile") : nullptr;
        given != nullptr && !given->is_null())
      read_reconcile(in, *given, unit);
    if (const auto* given = value.find("retry"); given != nullptr && !connects)
      in.fault(*given, "invalid_value",
               "retry is for units that are connected to a system; " + unit.component + " is not", "remove it");
    unit.faulty = !usable || faults_.size() > before;
  }
  return unit;
}

bool unit_reader::read_shared(const reading& in, const node& key, const node& value, unit_definition& unit,
                              retry_rule& retry) {
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
  } else if (key.text == "retry") {
    read_retry(in, value, retry);
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
  static const field_spec metadata{.form = shape::map, .elements = {{.form = shape::text}}};
  if (key.text == "types") {
    read_types(in, value, types, unit);
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
  } else if (key.text == "time") {
    read_time(in, value, unit);
  } else {
    return false;
  }
  return true;
}

/// Reads the types entry by entry, so that one with a fault leaves the others; it is null itself.
void unit_reader::read_types(const reading& in, const node& value, const field_spec& form, unit_definition& unit) {
  if (!value.is_map() || value.broken) {
    if (auto read = read_options(in, value, form, "types")) unit.types = *std::move(read);
    return;
  }
  unit.types = options::object();
  for (const auto& entry : value.entries) {
    node one = value;
    one.entries = {entry};
    const auto read = read_options(in, one, form, "types");
    unit.types[entry.key.text] = read ? read->begin().value() : options();
  }
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
    in.fault(value, "missing_key", "incremental needs by: how to find new rows", hint);
  } else if (by == "column" && rule.column.empty()) {
    in.fault(value, "missing_key", "incremental by column needs column: a column whose values only grow", hint);
  } else if (by == "file" && !rule.column.empty()) {
    in.fault(*value.find("column"), "invalid_value", "column can only be used with by: column",
             "remove it, or set by: column");
  } else if (by == "column" && value.find("changed") != nullptr) {
    in.fault(*value.find("changed"), "invalid_value", "changed can only be used with by: file", "remove it");
  }
  rule.by = by == "file" ? incremental_rule::way::file : incremental_rule::way::column;
  rule.read_changed = text("changed") == "read_again";
}

void unit_reader::read_time(const reading& in, const node& value, unit_definition& unit) {
  static const field_spec form{.form = shape::object,
                               .elements = {{.name = "column", .form = shape::text, .required = true},
                                            {.name = "out_of_order", .form = shape::duration},
                                            {.name = "idle", .form = shape::duration}}};
  if (value.is_scalar()) {
    in.fault(value, "invalid_value", "time must be a map, found " + describe(value),
             "time: { column: ordered_at, out_of_order: 30s }");
    return;
  }
  const auto read = read_options(in, value, form, "time");
  if (!read) return;
  unit.time.column = (*read)["column"].get<std::string>();
  const auto duration = [&](const char* name) -> std::optional<std::int64_t> {
    const auto found = read->find(name);
    if (found == read->end() || !found->is_string()) return {};
    const auto parsed = parse_duration(found->get<std::string>());
    return parsed.ok() ? std::optional(*parsed) : std::nullopt;
  };
  unit.time.out_of_order = duration("out_of_order").value_or(0);
  unit.time.idle = duration("idle");
}

void unit_reader::read_history_rules(const reading& in, const node& value, unit_definition& unit) {
  static const field_spec merge{
      .form = shape::object,
      .elements = {{.name = "delete_when", .form = shape::expression},
                   {.name = "update", .form = shape::list, .elements = {{.form = shape::column}}}}};
  static const field_spec scd2{
      .form = shape::object,
      .elements = {{.name = "tracked", .form = shape::list, .elements = {{.form = shape::column}}},
                   {.name = "at", .form = shape::expression, .required = true},
                   {.name = "gone", .form = shape::text, .default_value = "keep", .choices = {"keep", "close"}},
                   {.name = "surrogate", .form = shape::text}}};
  for (const auto& [name, form] : {std::pair{"merge", &merge}, std::pair{"scd2", &scd2}}) {
    const auto* given = value.find(name);
    if (given == nullptr || given->is_null()) continue;
    if (auto read = read_options(in, *given, *form, name); read && unit.own.is_object())
      unit.own[name] = *std::move(read);
  }
}

void unit_reader::read_reconcile(const reading& in, const node& value, unit_definition& unit) {
  static const field_spec form{
      .form = shape::object,
      .elements = {{.name = "with", .form = shape::text, .required = true},
                   {.name = "key", .form = shape::list, .required = true, .elements = {{.form = shape::column}}},
                   {.name = "columns", .form = shape::list, .elements = {{.form = shape::column}}},
                   {.name = "severity", .form = shape::text, .default_value = "fail", .choices = {"warn", "fail"}}}};
  if (!value.is_map()) {
    in.fault(value, "invalid_value", "reconcile must be a map, found " + describe(value),
             "reconcile: { with: orders, key: [order_id] }");
    return;
  }
  if (unit.commit_each)
    in.fault(value, "invalid_value",
             "reconcile compares whole runs, and commit: checkpoint shows rows before their end", "remove one of them");
  auto read = read_options(in, value, form, "reconcile");
  if (!read) return;
  if (!unit.own.is_object()) {
    // `csv: out.csv` is short for the option path.
    auto path = std::move(unit.own);
    unit.own = options::object();
    if (!path.is_null()) unit.own["path"] = std::move(path);
  }
  unit.own[wanted_reconcile] = *std::move(read);
}

bool unit_reader::read_sink_key(const reading& in, const node& key, const node& value, unit_definition& unit) {
  if (key.text == "mode") {
    if (auto text = read_text(in, value, "mode")) unit.mode = *std::move(text);
  } else if (key.text == "key") {
    if (auto names = read_texts(in, value, "key")) unit.key = *std::move(names);
  } else if (key.text == "merge" || key.text == "scd2" || key.text == "when_down" || key.text == "reconcile") {
    // read_history_rules, read_when_down and read_reconcile, once the component is known
  } else if (key.text == "overwrite_source") {
    (void)read_choice(in, value, "overwrite_source", {"true", "false"});
  } else if (key.text == "commit") {
    unit.commit_each = read_choice(in, value, "commit", {"checkpoint", "end"}) == "checkpoint";
  } else {
    return false;
  }
  return true;
}

}  // namespace sluice::config
