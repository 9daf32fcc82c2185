#include "config/params_reader.hpp"

#include "engine/component/run_context.hpp"
#include "engine/expression/expression.hpp"
#include "engine/secrets/known_secrets.hpp"
#include "engine/values/types.hpp"
#include "engine/values/unknown_columns.hpp"

#include <arrow/array.h>
#include <arrow/compute/api.h>
#include <arrow/scalar.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>

namespace sluice::config {

namespace {

/// Makes a typed value of text; Arrow's casts take ISO dates and times, and numbers as they are written.
result<std::shared_ptr<arrow::Scalar>> typed_value(const std::string& text,
                                                   const std::shared_ptr<arrow::DataType>& type) {
  const auto unusable = [&](const std::string& why) {
    return user_error("invalid_param",
                      "'" + text + "' is not a valid " + type_name(*type) + (why.empty() ? "" : ": " + why));
  };
  std::shared_ptr<arrow::Scalar> plain = std::make_shared<arrow::StringScalar>(text);
  if (type->id() == arrow::Type::STRING) return plain;
  if (type->id() == arrow::Type::BOOL && text != "true" && text != "false") return unusable("write true or false");
  if (arrow::is_nested(type->id()) || type->id() == arrow::Type::EXTENSION || arrow::is_interval(type->id()))
    return user_error("not_supported_yet", "params of type " + type_name(*type) + " are not supported yet",
                      "use text, a number, a boolean, a date or a timestamp");
  auto column = arrow::MakeArrayFromScalar(*plain, 1);
  if (!column.ok()) return unusable(column.status().message());
  auto cast = arrow::compute::Cast(**column, type);
  if (!cast.ok()) return unusable({});
  auto value = (*cast)->GetScalar(0);
  if (!value.ok()) return unusable({});
  return *std::move(value);
}

std::string environment_name(const std::string& param) {
  std::string name = "SLUICE_PARAM_";
  for (const unsigned char c : param) name += static_cast<char>(std::toupper(c));
  return name;
}

struct declaration {
  std::shared_ptr<arrow::DataType> type;
  const node* default_value = nullptr;
};

declaration read_declaration(const reading& in, const node& name, const node& value) {
  declaration made{arrow::utf8(), nullptr};
  const node* type = nullptr;
  if (value.is_scalar()) {
    type = &value;
  } else if (value.is_map()) {
    for (const auto& [key, held] : value.entries) {
      if (key.text == "type")
        type = &held;
      else if (key.text == "default")
        made.default_value = &held;
      else if (key.text != "description")
        in.unknown_key(key, "a param", {"type", "default", "description"});
    }
  } else if (!value.is_null()) {
    in.fault(value, "invalid_value", "a param must be { type: TYPE, default: VALUE }, found " + describe(value));
  }
  if (type == nullptr) return made;
  const auto text = read_text(in, *type, "the type of " + name.text);
  if (!text) return made;
  auto parsed = parse_type(*text);
  if (parsed.ok()) {
    made.type = *std::move(parsed);
  } else {
    in.fault_from(*type, std::move(parsed).problem());
    made.type = nullptr;
  }
  return made;
}

}  // namespace

/// `run.timezone` as it stands in the file: params are read before anything else is filled in.
std::string timezone_of(const document& source) {
  const auto* run = source.root().find("run");
  const auto* zone = run == nullptr ? nullptr : run->find("timezone");
  return zone != nullptr && zone->is_scalar() ? zone->text : "UTC";
}

/// The SQL of a default that is computed; null where it is a plain value.
const node* sql_of(const node* default_value) {
  if (default_value == nullptr || !default_value->is_map() || default_value->entries.size() != 1) return nullptr;
  const auto& [key, held] = default_value->entries.front();
  return key.text == "sql" && held.is_scalar() ? &held : nullptr;
}

/// What `default: { sql: ... }` gives, of the declared type; it may name the params before it. Null: it has a fault.
std::shared_ptr<arrow::Scalar> computed(const reading& in, const node& sql, const declaration& declared,
                                        const std::string& self, const param_values& before,
                                        const load_options& given) {
  using namespace std::chrono;
  run_context context;
  context.now_microseconds = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  context.timezone = timezone_of(in.source);
  context.params = before.typed;
  context.params.erase(self);
  context.params["due_at()"] =
      std::make_shared<arrow::TimestampScalar>(given.due_at.value_or(context.now_microseconds), timestamptz_type());
  expression::scope names;
  names.context = &context;
  diagnostics faults;
  auto bound = expression::bind(sql.text, names, {}, faults);
  if (bound != nullptr && faults.empty() && !bound->type()->Equals(*declared.type)) {
    auto cast = expression::cast(bound, declared.type, names);
    if (cast == nullptr)
      in.fault(sql, "invalid_param",
               "the default is a " + type_name(*bound->type()) + ", which is no " + type_name(*declared.type));
    bound = std::move(cast);
  }
  for (auto& fault : faults) {
    if (fault.code == "unknown_unit") fault.hint = "a default has no columns: it knows due_at(), now() and params";
    in.fault_from(sql, std::move(fault));
  }
  if (bound == nullptr && faults.empty())
    in.fault(sql, "invalid_param", "the default can't be computed", "it needs a param that has no value");
  if (bound == nullptr || !faults.empty()) return nullptr;
  auto value = bound->constant();
  if (!value.ok()) {
    in.fault_from(sql, std::move(value).problem());
    return nullptr;
  }
  if ((*value)->is_valid) return *std::move(value);
  in.fault(sql, "invalid_param", "the default is null", "give it a value: coalesce(..., 0)");
  return nullptr;
}

param_values read_params(const document& source, const node* section, const load_options& given, diagnostics& faults) {
  param_values values;
  std::vector<std::string> names;
  const reading all{source, faults};
  if (section != nullptr && !section->is_null() && !section->is_map() && !section->broken)
    all.fault(*section, "invalid_value", "params must be a map of names, found " + describe(*section));
  const std::vector<node::entry> none;
  for (const auto& [name, value] : section != nullptr ? section->entries : none) {
    const reading in{source, faults, "param " + name.text};
    names.push_back(name.text);
    if (name.text.empty() || !std::all_of(name.text.begin(), name.text.end(),
                                          [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; })) {
      in.fault(name, "invalid_name", "a param's name may contain letters, digits and _");
      continue;
    }
    const auto declared = read_declaration(in, name, value);
    values.typed[name.text] = arrow::MakeNullScalar(unknown_type());  // until it has a value
    std::string text;
    const node* place = &name;
    std::string origin = "the default";
    if (const auto set = given.set.find(name.text); set != given.set.end()) {
      text = set->second;
      origin = "--set " + name.text;
    } else if (const auto found = given.environment(environment_name(name.text))) {
      text = *found;
      origin = environment_name(name.text);
    } else if (declared.default_value != nullptr && declared.default_value->broken) {
      values.without_value.insert(name.text);
      continue;
    } else if (declared.default_value != nullptr && declared.default_value->is_scalar()) {
      text = declared.default_value->text;
      place = declared.default_value;
    } else if (const auto* sql = sql_of(declared.default_value)) {
      const auto made = declared.type == nullptr ? nullptr : computed(in, *sql, declared, name.text, values, given);
      if (made != nullptr) {
        values.typed[name.text] = made;
        values.text[name.text] = made->ToString();
        values.computed.insert(name.text);
      } else {
        values.without_value.insert(name.text);
      }
      continue;
    } else if (declared.default_value != nullptr) {
      in.fault(*declared.default_value, "invalid_value",
               "a default must be a text or { sql: EXPRESSION }, found " + describe(*declared.default_value));
      values.without_value.insert(name.text);
      continue;
    } else {
      in.fault(name, "missing_param", "the param " + name.text + " has no value and no default",
               "--set " + name.text + "=VALUE, or set " + environment_name(name.text));
      values.without_value.insert(name.text);
      continue;
    }
    values.text[name.text] = text;
    if (declared.type == nullptr) continue;
    if (secrets::has_reference(text)) {
      if (place != declared.default_value)
        in.fault(name, "invalid_param", origin + " contains a reference to a secret",
                 "a secret can only be the default in the pipeline itself: default: \"${secret:NAME}\"");
      else if (declared.type->id() != arrow::Type::STRING)
        in.fault(*place, "invalid_param", "a param that holds a secret is a text, found " + type_name(*declared.type));
      else
        values.typed[name.text] = nullptr;
      continue;
    }
    auto typed = typed_value(text, declared.type);
    if (typed.ok()) {
      values.typed[name.text] = *std::move(typed);
    } else {
      auto problem = std::move(typed).problem();
      in.fault(*place, problem.code, origin + ": " + problem.message, problem.hint);
    }
  }
  for (const auto& [name, text] : given.set)
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      auto unknown = user_error("unknown_param", fmt::format("--set {0}: the pipeline has no param {0}", name),
                                names.empty() ? "declare it under params:" : suggest(name, names));
      unknown.where = source.file();
      faults.push_back(std::move(unknown));
    }
  return values;
}

}  // namespace sluice::config
