#include "engine/columns/typed/read_types.hpp"

#include "engine/columns/typed/read_value.hpp"
#include "engine/error/names.hpp"
#include "engine/values/types.hpp"

#include <arrow/type.h>
#include <arrow/type_traits.h>

#include <string_view>
#include <utility>

namespace sluice::typed {

namespace {

error at(std::string path, error problem) {
  problem.path = std::move(path);
  return problem;
}

/// Reads decimal or thousands: one byte that is no digit.
char read_sign(const options& map, const char* key, char preset, const std::string& path, diagnostics& faults) {
  if (!map.contains(key) || map[key].is_null()) return preset;
  const auto text = map[key].is_string() ? map[key].get<std::string>() : map[key].dump();
  if (text.size() == 1 && std::string_view("0123456789+-eE").find(text[0]) == std::string_view::npos) return text[0];
  faults.push_back(at(std::string(path).append("/").append(key),
                      user_error("invalid_option", std::string(key) + " must be one byte, found '" + text + "'",
                                 "decimal: \",\", thousands: \".\"")));
  return preset;
}

/// What a format leaves open, so that it would have to be made up; empty: nothing.
std::string left_open(std::string_view format, const arrow::DataType& type) {
  const auto has = [&](std::string_view directives) {
    for (std::size_t i = 0; i + 1 < format.size(); ++i)
      if (format[i] == '%' && directives.find(format[++i]) != std::string_view::npos) return true;
    return false;
  };
  if (type.id() == arrow::Type::TIME64) return has("HIT") ? "" : "an hour (%H)";
  if (!has("YyF")) return "a year (%Y)";
  if (has("j")) return {};
  return !has("mbhBF") ? "a month (%m)" : !has("deF") ? "a day (%d)" : "";
}

void read_formats(const options& map, const std::string& path, column_plan& into, diagnostics& faults) {
  if (!map.contains("formats") || map["formats"].is_null()) return;
  const auto& formats = map["formats"];
  if (into.type && into.type->id() != arrow::Type::DATE32 && into.type->id() != arrow::Type::TIMESTAMP &&
      into.type->id() != arrow::Type::TIME64) {
    faults.push_back(at(
        path + "/formats",
        user_error("invalid_option", "formats can only be used for dates and times, not for " + type_name(*into.type),
                   "remove formats, or set type: date")));
    return;
  }
  for (const auto& each : formats.is_array() ? formats : options::array({formats})) {
    const auto format = each.is_string() ? each.get<std::string>() : each.dump();
    if (const auto unknown = unknown_directive(format); !unknown.empty())
      faults.push_back(at(path + "/formats",
                          user_error("invalid_option",
                                     std::string("a format can't contain ").append(unknown).append(": ").append(format),
                                     "known are %Y %y %m %d %e %H %I %p %M %S %f %b %B %a %A %j %F %T %z %Z %%")));
    else if (const auto missing = into.type ? left_open(format, *into.type) : ""; !missing.empty())
      faults.push_back(
          at(path + "/formats", user_error("invalid_option",
                                           "a format for " + type_name(*into.type) +
                                               std::string(" needs ").append(missing).append(": ").append(format),
                                           "read the column as text, and convert it in a derive")));
    into.formats.push_back(format);
  }
}

column_plan read_type(const std::string& name, const options& value, diagnostics& faults) {
  const auto path = "/types/" + name;
  column_plan plan;
  plan.name = name;
  plan.inferred = false;
  const bool map = value.is_object();
  const auto type_path = map ? path + "/type" : path;
  const auto text = map ? value.value("type", options("")) : value;
  if (!text.is_string() || text.get<std::string>().empty()) {
    faults.push_back(
        at(type_path, user_error("invalid_type", "column " + name + " needs a type", types_line(name, "bigint"))));
    return plan;
  }
  auto type = parse_type(text.get<std::string>());
  if (!type.ok()) {
    faults.push_back(at(type_path, std::move(type).problem()));
    return plan;
  }
  plan.type = *type;
  if (!map) return plan;
  for (const auto& [key, ignored] : value.items()) {
    if (key != "type" && key != "formats" && key != "decimal" && key != "thousands")
      faults.push_back(at(std::string(path).append("/").append(key),
                          user_error("unknown_key", "a type can't have the key " + key,
                                     "the keys are type, formats, decimal and thousands")));
  }
  plan.decimal = read_sign(value, "decimal", '.', path, faults);
  plan.thousands = read_sign(value, "thousands", '\0', path, faults);
  if (plan.decimal == plan.thousands)
    faults.push_back(at(path + "/thousands", user_error("invalid_option", "decimal and thousands must differ",
                                                        "decimal: \",\", thousands: \".\"")));
  const auto id = plan.type->id();
  for (const auto* key : {"decimal", "thousands"}) {
    if (!value.contains(key) || arrow::is_integer(id) || arrow::is_floating(id) || arrow::is_decimal(id)) continue;
    faults.push_back(at(std::string(path).append("/").append(key),
                        user_error("invalid_option",
                                   std::string(key) + " can only be used for numbers, not for " + type_name(*plan.type),
                                   "remove it, or set type: \"decimal(12,2)\"")));
  }
  read_formats(value, path, plan, faults);
  return plan;
}

}  // namespace

std::map<std::string, column_plan> read_types(const options& types, diagnostics& faults) {
  std::map<std::string, column_plan> all;
  if (!types.is_object()) return all;
  for (const auto& [name, value] : types.items()) all.emplace(name, read_type(name, value, faults));
  return all;
}

}  // namespace sluice::typed
