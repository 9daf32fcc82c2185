#include "app/spec_text.hpp"

#include "app/prose.hpp"
#include "app/text.hpp"

#include <algorithm>

namespace sluice::app {

namespace {

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

}  // namespace

std::string kind_heading(component_kind kind) {
  auto name = kind_name(kind) + "s";
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

std::string spec_text(const component_spec& spec, bool color, int width) {
  const auto columns = static_cast<std::size_t>(std::clamp(width, 40, 110));
  std::string text = paint(spec.name, style::bold, color) + " (" + kind_name(spec.kind) + "): " + spec.summary + "\n";
  if (!spec.description.empty()) text += "\n" + indented(joined_lines(spec.description), 0, columns) + "\n";
  const auto fields = own_fields(spec.value);
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
  if (const auto promise = delivery_text(spec.promise); !promise.empty())
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

}  // namespace sluice::app
