#include "app/spec_text.hpp"

#include "app/prose.hpp"
#include "app/text.hpp"
#include "engine/component/connection_field.hpp"

#include <algorithm>
#include <array>

namespace sluice::app {

namespace {

constexpr std::array shape_names = {"true or false", "integer", "number", "text", "expression", "column", "type",
                                    "duration",      "size",    "list",   "map",  "object",     "one of"};

std::string_view promise_text(delivery promise) {
  switch (promise) {
    case delivery::none:
      return {};
    case delivery::transactional:
      return "transactional: all rows of a run become visible at once, or none";
    case delivery::idempotent:
      return "idempotent: loading again gives the same rows";
    case delivery::at_least_once:
      return "at least once; each row has a stable id";
  }
  return {};
}

/// The fields that stand behind the component's name: those of an object, also where it is one of several forms.
std::vector<field_spec> fields_of(const field_spec& value) {
  if (const auto* connection = connection_of(value)) {
    auto all = connection->elements;
    for (auto& field : all) field.help += (field.help.empty() ? "" : "; ") + std::string("may be in a connection");
    all.insert(all.end(), value.elements.begin(), value.elements.end());
    return all;
  }
  if (value.form != shape::one_of) return value.elements;
  for (const auto& form : value.elements)
    if (form.form == shape::object) return form.elements;
  return value.elements;
}

std::string indented(const std::string& text, std::size_t indent, std::size_t room) {
  std::string out;
  std::size_t used = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find_first_of(" \n", at), text.size());
    const auto word = text.substr(at, end - at);
    const auto size = static_cast<std::size_t>(display_width(word));
    if (used > 0 && used + 1 + size > room) {
      out += "\n" + std::string(indent, ' ');
      used = 0;
    }
    if (used > 0) ++used, out += ' ';
    out += word;
    used += size;
    if (end < text.size() && text[end] == '\n') {
      out += "\n" + std::string(indent, ' ');
      used = 0;
    }
    at = end + 1;
  }
  return out;
}

/// Markdown's paragraphs: a line break within one is a blank, an empty line or a list's next item stays a break.
std::string joined_lines(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto next = at + 1 < text.size() ? text[at + 1] : '\n';
    const bool breaks = next == '\n' || next == '-' || next == '*' || (at > 0 && text[at - 1] == '\n');
    out += text[at] == '\n' && !breaks ? ' ' : text[at];
  }
  return out;
}

std::string field_lines(const field_spec& field, std::size_t name_width, bool color, std::size_t room) {
  std::string facts = form_text(field);
  if (!field.choices.empty()) {
    facts.clear();
    for (const auto& choice : field.choices) facts += (facts.empty() ? "" : " | ") + (choice.empty() ? "\"\"" : choice);
  }
  if (field.required) facts += ", required";
  if (!field.default_value.is_null()) facts += ", default " + field.default_value.dump();
  const auto indent = name_width + 4;
  std::string text =
      "  " + paint(field.name, style::bold, color) + std::string(name_width - field.name.size() + 2, ' ');
  text += indented(field.help, indent, room) + "\n" + std::string(indent, ' ') + paint(facts, style::dim, color) + "\n";
  return text;
}

options field_json(const field_spec& field) {
  options out = options::object();
  if (!field.name.empty()) out["name"] = field.name;
  out["form"] = form_text(field);
  if (!field.help.empty()) out["help"] = field.help;
  if (field.required) out["required"] = true;
  if (!field.default_value.is_null()) out["default"] = field.default_value;
  if (!field.choices.empty()) out["choices"] = field.choices;
  if (field.form == shape::object || field.form == shape::one_of)
    for (const auto& each : field.elements)
      out[field.form == shape::object ? "fields" : "alternatives"].push_back(field_json(each));
  return out;
}

}  // namespace

std::string kind_name(component_kind kind) {
  switch (kind) {
    case component_kind::source:
      return "source";
    case component_kind::transform:
      return "transform";
    case component_kind::sink:
      return "sink";
    case component_kind::subscriber:
      return "subscriber";
  }
  return {};
}

std::string kind_heading(component_kind kind) {
  auto name = kind_name(kind) + "s";
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

std::string form_text(const field_spec& field) {
  std::string text = shape_names.at(static_cast<std::size_t>(field.form));
  if ((field.form == shape::list || field.form == shape::map) && !field.elements.empty())
    return text + " of " + form_text(field.elements.front());
  if (field.form != shape::one_of) return text;
  text.clear();
  for (const auto& each : field.elements) {
    const auto form = form_text(each);
    if (text.find(form) == std::string::npos) text += (text.empty() ? "" : " or ") + form;
  }
  return text;
}

std::string spec_text(const component_spec& spec, bool color, int width) {
  const auto columns = static_cast<std::size_t>(std::clamp(width, 40, 110));
  std::string text = paint(spec.name, style::bold, color) + " (" + kind_name(spec.kind) + "): " + spec.summary + "\n";
  if (!spec.description.empty()) text += "\n" + indented(joined_lines(spec.description), 0, columns) + "\n";
  const auto fields = fields_of(spec.value);
  if (!fields.empty() && !fields.front().name.empty()) {
    std::size_t name_width = 0;
    for (const auto& field : fields) name_width = std::max(name_width, field.name.size());
    text += "\n" + paint("Options", style::cyan, color) + "\n";
    for (const auto& field : fields) text += field_lines(field, name_width, color, columns - name_width - 4);
  } else {
    text += "\n" + paint("Takes", style::cyan, color) + "\n  " + form_text(spec.value) +
            (spec.value.help.empty() ? "" : ": " + spec.value.help) + "\n";
  }
  if (!spec.modes.empty()) {
    std::string modes;
    for (const auto& mode : spec.modes)
      if (!mode.empty()) modes += (modes.empty() ? "" : ", ") + mode;
    const auto chosen = spec.modes.front().empty() ? " (required)" : " (default " + spec.modes.front() + ")";
    text += "\n" + paint("Modes", style::cyan, color) + "\n  " + modes + chosen + "\n";
  }
  if (const auto promise = promise_text(spec.promise); !promise.empty())
    text += "\n" + paint("Delivery", style::cyan, color) + "\n  " + std::string(promise) + "\n";
  if (!spec.law.empty()) text += "\n" + paint("Rows", style::cyan, color) + "\n  " + spec.law + "\n";
  text = wrapped(text, static_cast<int>(columns));
  if (!spec.example.empty()) {
    text += "\n" + paint("Example", style::cyan, color) + "\n";
    for (std::size_t at = 0; at < spec.example.size();) {
      const auto end = std::min(spec.example.find('\n', at), spec.example.size());
      // Broken between words, within the braces of a map, it is the same YAML.
      if (end > at) text += wrapped("  " + spec.example.substr(at, end - at), static_cast<int>(columns));
      text += "\n";
      at = end + 1;
    }
  }
  return text;
}

options spec_json(const component_spec& spec) {
  options out = {{"name", spec.name}, {"kind", kind_name(spec.kind)}, {"summary", spec.summary}};
  if (!spec.description.empty()) out["description"] = spec.description;
  out["options"] = options::array();
  for (const auto& field : fields_of(spec.value)) out["options"].push_back(field_json(field));
  if (!spec.law.empty()) out["law"] = spec.law;
  if (!spec.modes.empty()) out["modes"] = spec.modes;
  if (const auto promise = promise_text(spec.promise); !promise.empty())
    out["delivery"] = std::string(promise.substr(0, promise.find_first_of(":,")));
  if (spec.kind == component_kind::source) {
    out["bounded"] = spec.bounded;
    out["replayable"] = spec.replayable;
  }
  if (spec.kind != component_kind::transform)
    out["runs"] = spec.runs == locality::anywhere ? "anywhere" : "where_submitted";
  if (!spec.example.empty()) out["example"] = spec.example;
  return out;
}

}  // namespace sluice::app
