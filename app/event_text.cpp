#include "app/event_text.hpp"

#include "app/text.hpp"

namespace sluice::app {

namespace {

std::string value_text(const options& value) {
  if (value.is_string()) return printable(value.get<std::string>());
  if (value.is_number_unsigned()) return thousands(value.get<std::uint64_t>());
  return value.dump();
}

/// "out 12, rejected 3": what an event's data holds, except for what is empty or is said already.
std::string data_text(const options& data) {
  std::string text;
  if (!data.is_object()) return text;
  for (const auto& [name, value] : data.items()) {
    const bool told = name == "cause" || name == "state" || name == "unit" || name == "units" || name == "balanced" ||
                      name == "batches" || name == "pipeline" || name == "role" || name == "run";
    const bool nothing = value.is_null() || value == 0 || value == "" || (value.is_structured() && value.empty());
    if (told || nothing || value.is_structured()) continue;
    if (name == "duration_microseconds" && value.is_number()) {
      text += (text.empty() ? "in " : ", in ") + duration_text(value.get<double>() / 1e6);
      continue;
    }
    text += (text.empty() ? "" : ", ") + name + " " + value_text(value);
  }
  return text;
}

std::string cause_text(const options& data) {
  const auto cause = data.is_object() ? data.find("cause") : data.end();
  if (!data.is_object() || cause == data.end() || !cause->is_object()) return {};
  std::string text = "[" + cause->value("code", "") + "] ";
  if (const auto where = cause->value("where", ""); !where.empty()) text += printable(where) + ": ";
  return text + printable(cause->value("message", ""));
}

}  // namespace

std::string event_text(const store::event& what) {
  const auto dot = what.type.find('.');
  std::string text = what.type.substr(0, dot);
  if (!what.unit.empty()) text += " " + what.unit;
  if (dot != std::string::npos) {
    auto happened = what.type.substr(dot + 1);
    for (auto& letter : happened)
      if (letter == '_' || letter == '.') letter = ' ';
    text += " " + happened;
  }
  const auto cause = cause_text(what.data);
  const auto data = data_text(what.data);
  if (!cause.empty()) text += ": " + cause;
  if (!data.empty()) text += (cause.empty() ? ": " : "; ") + data;
  return text;
}

bool is_alarming(const store::event& what) {
  return what.type.ends_with(".failed") || what.type.ends_with(".lost") || what.type.ends_with(".rejected");
}

}  // namespace sluice::app
